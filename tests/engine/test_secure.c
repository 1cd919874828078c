/* SRTP against libsrtp, which is used here alone. */
#include "check.h"

#include <srtp2/srtp.h>

#include "secure.h"

enum { ROOM = 400, PAYLOAD = 160 };

static uint8_t send_key[SRTP_KEY_MAX], receive_key[SRTP_KEY_MAX];

typedef void policy_setter(srtp_crypto_policy_t *);

static policy_setter *const policies[SRTP_SUITES][2] = {
    [SRTP_AES_128_CM_80] = {srtp_crypto_policy_set_rtp_default, srtp_crypto_policy_set_rtp_default},
    [SRTP_AES_128_CM_32] = {srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32, srtp_crypto_policy_set_rtp_default},
    [SRTP_AES_256_CM_80] = {srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80,
                            srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80},
    [SRTP_AES_256_CM_32] = {srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32,
                            srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80},
    [SRTP_AES_128_GCM] = {srtp_crypto_policy_set_aes_gcm_128_16_auth, srtp_crypto_policy_set_aes_gcm_128_16_auth},
    [SRTP_AES_128_GCM_8] = {srtp_crypto_policy_set_aes_gcm_128_8_auth, srtp_crypto_policy_set_aes_gcm_128_8_auth},
    [SRTP_AES_256_GCM] = {srtp_crypto_policy_set_aes_gcm_256_16_auth, srtp_crypto_policy_set_aes_gcm_256_16_auth},
    [SRTP_AES_256_GCM_8] = {srtp_crypto_policy_set_aes_gcm_256_8_auth, srtp_crypto_policy_set_aes_gcm_256_8_auth},
};

/* Not of AES-192: libsrtp derives its session keys by AES-256 from 32 octets of key and salt run together, other than
 * RFC 6188 3 has it. */
static bool comparable(int suite)
{
    return policies[suite][0];
}

static srtp_t oracle(int suite, uint8_t *key, srtp_ssrc_type_t direction)
{
    srtp_policy_t policy = {.ssrc = {.type = direction}, .key = key};
    srtp_t session = NULL;
    policies[suite][0](&policy.rtp);
    policies[suite][1](&policy.rtcp);
    CHECK(srtp_create(&session, &policy) == srtp_err_status_ok, "suite %d", suite);
    return session;
}

static struct secure *fresh_keys(int suite)
{
    for (int i = 0; i < SRTP_KEY_MAX; i++) {
        send_key[i] = (uint8_t)random_number(256);
        receive_key[i] = (uint8_t)random_number(256);
    }
    struct secure *secure = secure_make(suite, send_key, receive_key, 0, true);
    CHECK(secure);
    return secure;
}

/* The far end of what fresh_keys made. */
static struct secure *mirrored(int suite, int mki, bool replay_protection)
{
    return secure_make(suite, receive_key, send_key, mki, replay_protection);
}

static int make_packet(uint8_t *bytes, uint16_t sequence, uint32_t ssrc, bool extended)
{
    int header = extended ? 28 : 12, payload = (int)random_number(PAYLOAD);
    memset(bytes, 0, ROOM);
    bytes[0] = (uint8_t)(extended ? 0x91 : 0x80);
    bytes[2] = (uint8_t)(sequence >> 8);
    bytes[3] = (uint8_t)sequence;
    memcpy(bytes + 8, &ssrc, sizeof(ssrc));
    if (extended)
        memcpy(bytes + 16, "\xbe\xde\x00\x02", 4);
    for (int i = 0; i < payload; i++)
        bytes[header + i] = (uint8_t)random_number(256);
    return header + payload;
}

static int make_report(uint8_t *bytes)
{
    int words = 2 + (int)random_number(20);
    memset(bytes, 0, ROOM);
    bytes[0] = 0x81;
    bytes[1] = 200;
    bytes[3] = (uint8_t)(words - 1);
    for (int i = 4; i < words * 4; i++)
        bytes[i] = (uint8_t)random_number(256);
    return words * 4;
}

static void media_passes_to_and_from_another_library(void)
{
    for (int suite = 1; suite < SRTP_SUITES; suite++) {
        if (!comparable(suite))
            continue;
        struct secure *ours = fresh_keys(suite);
        srtp_t in = oracle(suite, send_key, ssrc_any_inbound), out = oracle(suite, receive_key, ssrc_any_outbound);
        for (int i = 0; i < 300; i++) {
            uint8_t clear[ROOM], packet[ROOM];
            /* from just below the wrap on: the rollover counter counts */
            int count = make_packet(clear, (uint16_t)(65400 + i), 0x11223344u + (i & 1), i % 3 == 0);
            int size = secure_protect(ours, clear, count, packet);
            CHECK(size > count && !srtp_unprotect(in, packet, &size) && size == count, "suite %d, %d", suite, i);
            CHECK(!memcmp(packet, clear, (size_t)count), "suite %d", suite);
            CHECK(!srtp_protect(out, packet, &size));
            CHECK(secure_unprotect(ours, packet, size) == count, "suite %d, %d", suite, i);
            CHECK(!memcmp(packet, clear, (size_t)count), "suite %d", suite);
        }
        secure_free(ours);
        srtp_dealloc(in);
        srtp_dealloc(out);
    }
}

static void reports_pass_to_and_from_another_library(void)
{
    for (int suite = 1; suite < SRTP_SUITES; suite++) {
        if (!comparable(suite))
            continue;
        struct secure *ours = fresh_keys(suite);
        srtp_t in = oracle(suite, send_key, ssrc_any_inbound), out = oracle(suite, receive_key, ssrc_any_outbound);
        for (int i = 0; i < 50; i++) {
            uint8_t clear[ROOM], packet[ROOM];
            int count = make_report(clear), size = secure_protect_control(ours, clear, count, packet);
            CHECK(size > count && !srtp_unprotect_rtcp(in, packet, &size) && size == count, "suite %d", suite);
            CHECK(!memcmp(packet, clear, (size_t)count), "suite %d", suite);
            CHECK(!srtp_protect_rtcp(out, packet, &size));
            CHECK(secure_unprotect_control(ours, packet, size) == count, "suite %d", suite);
            CHECK(!memcmp(packet, clear, (size_t)count), "suite %d", suite);
        }
        secure_free(ours);
        srtp_dealloc(in);
        srtp_dealloc(out);
    }
}

static void what_is_forged_or_said_again_is_refused(void)
{
    for (int suite = 1; suite < SRTP_SUITES; suite++) {
        struct secure *near = fresh_keys(suite), *far = mirrored(suite, 0, true);
        uint8_t clear[ROOM], packet[ROOM], copy[ROOM];
        int count = make_packet(clear, 7, 1, false), size = secure_protect(near, clear, count, packet);
        for (int bit = 0; bit < size * 8; bit++) {
            memcpy(copy, packet, (size_t)size);
            copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
            CHECK(!secure_unprotect(far, copy, size), "suite %d bit %d", suite, bit);
        }
        for (int shorter = 0; shorter < size; shorter++) {
            memcpy(copy, packet, (size_t)size);
            CHECK(!secure_unprotect(far, copy, shorter));
        }
        memcpy(copy, packet, (size_t)size);
        CHECK(secure_unprotect(far, copy, size) == count);
        memcpy(copy, packet, (size_t)size);
        CHECK(!secure_unprotect(far, copy, size), "played again");
        count = make_report(clear);
        size = secure_protect_control(near, clear, count, packet);
        for (int bit = 0; bit < size * 8; bit++) {
            memcpy(copy, packet, (size_t)size);
            copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
            CHECK(!secure_unprotect_control(far, copy, size), "suite %d bit %d", suite, bit);
        }
        CHECK(secure_unprotect_control(far, packet, size) == count);
        secure_free(near);
        secure_free(far);
    }
}

static void a_number_is_never_used_twice(void)
{
    struct secure *near = fresh_keys(SRTP_AES_128_CM_80);
    uint8_t clear[ROOM], packet[ROOM];
    int count = make_packet(clear, 100, 1, false);
    CHECK(secure_protect(near, clear, count, packet));
    CHECK(!secure_protect(near, clear, count, packet));
    secure_free(near);
}

static void packets_may_come_late(void)
{
    struct secure *near = fresh_keys(SRTP_AES_128_CM_80), *far = mirrored(SRTP_AES_128_CM_80, 0, true);
    uint8_t clear[ROOM], packets[60][ROOM];
    int count[60], size[60];
    for (int i = 0; i < 60; i++) {
        count[i] = make_packet(clear, (uint16_t)(65500 + i), 9, false);
        size[i] = secure_protect(near, clear, count[i], packets[i]);
    }
    CHECK(secure_unprotect(far, packets[0], size[0]) == count[0]);
    for (int i = 59; i > 0; i--) /* across the wrap, backwards */
        CHECK(secure_unprotect(far, packets[i], size[i]) == count[i], "%d", i);
    secure_free(near);
    secure_free(far);
}

static void without_replay_protection_a_packet_may_come_again(void)
{
    struct secure *near = fresh_keys(SRTP_AES_128_CM_80), *far = mirrored(SRTP_AES_128_CM_80, 0, false);
    uint8_t clear[ROOM], packet[ROOM], copy[ROOM];
    int count = make_packet(clear, 5, 9, false), size = secure_protect(near, clear, count, packet);
    for (int i = 0; i < 3; i++) {
        memcpy(copy, packet, (size_t)size);
        CHECK(secure_unprotect(far, copy, size) == count);
    }
    secure_free(near);
    secure_free(far);
}

static void an_identifier_of_the_master_key_is_passed_over(void)
{
    enum { MKI = 4 };
    struct secure *near = fresh_keys(SRTP_AES_128_CM_80), *far = mirrored(SRTP_AES_128_CM_80, MKI, true);
    uint8_t clear[ROOM], packet[ROOM];
    int count = make_packet(clear, 5, 9, false), size = secure_protect(near, clear, count, packet);
    memmove(packet + size - 10 + MKI, packet + size - 10, 10);
    memset(packet + size - 10, 0, MKI);
    CHECK(secure_unprotect(far, packet, size + MKI) == count && !memcmp(packet, clear, (size_t)count));
    secure_free(near);
    secure_free(far);
}

static void many_sources_are_told_apart_and_the_silent_forgotten(void)
{
    struct secure *near = fresh_keys(SRTP_AES_128_GCM), *far = mirrored(SRTP_AES_128_GCM, 0, true);
    uint8_t clear[ROOM], packet[ROOM];
    for (int i = 0; i < 3 * SRTP_SOURCES; i++) {
        int count = make_packet(clear, 5, (uint32_t)i, false), size = secure_protect(near, clear, count, packet);
        CHECK(secure_unprotect(far, packet, size) == count);
    }
    secure_free(near);
    secure_free(far);
}

/* Of the sanitizers' run-time library; gcc does not ship the header. */
int __sanitizer_install_malloc_and_free_hooks(void (*allocated)(const volatile void *, size_t),
                                              void (*freed)(const volatile void *));

static long allocations;

static void allocated(const volatile void *memory, size_t bytes)
{
    (void)memory;
    (void)bytes;
    allocations++;
}

static void freed(const volatile void *memory)
{
    (void)memory;
}

static void a_packet_allocates_nothing(void)
{
    CHECK(__sanitizer_install_malloc_and_free_hooks(allocated, freed));
    for (int suite = 1; suite < SRTP_SUITES; suite++) {
        struct secure *near = fresh_keys(suite), *far = mirrored(suite, 0, true);
        uint8_t clear[ROOM], packet[ROOM];
        allocations = 0;
        for (int i = 0; i < 20; i++) {
            int count = make_packet(clear, (uint16_t)i, (uint32_t)i / 4, false);
            int size = secure_protect(near, clear, count, packet);
            CHECK(secure_unprotect(far, packet, size) == count);
            count = make_report(clear);
            size = secure_protect_control(near, clear, count, packet);
            CHECK(secure_unprotect_control(far, packet, size) == count);
        }
        CHECK(!allocations, "suite %d: %ld", suite, allocations);
        secure_free(near);
        secure_free(far);
    }
}

int main(void)
{
    srtp_init();
    RUN(media_passes_to_and_from_another_library);
    RUN(reports_pass_to_and_from_another_library);
    RUN(what_is_forged_or_said_again_is_refused);
    RUN(a_number_is_never_used_twice);
    RUN(packets_may_come_late);
    RUN(without_replay_protection_a_packet_may_come_again);
    RUN(an_identifier_of_the_master_key_is_passed_over);
    RUN(many_sources_are_told_apart_and_the_silent_forgotten);
    RUN(a_packet_allocates_nothing);
    return check_result();
}
