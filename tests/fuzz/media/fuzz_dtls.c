/* DTLS handshakes into which broken datagrams fall: invented ones, and genuine ones with bits turned, cut or repeated.
 */
#include "api.h"
#include "fuzz.h"

enum { MOST = 1500, STEPS = 60 };

static struct dtls_context *context(void)
{
    static struct dtls_context *made;
    char error[ENGINE_TEXT];
    struct dtls_settings settings = {.certificate = "",
                                     .key = "",
                                     .ciphers = "",
                                     .ca_file = "",
                                     .ca_path = "",
                                     .profiles = "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM",
                                     .verify_fingerprint = 1,
                                     .mtu = 1200};
    if (!made)
        made = dtls_context(&settings, error);
    EXPECT(made);
    return made;
}

/* Pass one datagram on, changed as the input says. */
static void pass(struct input *input, struct dtls *from, struct dtls *to)
{
    uint8_t bytes[MOST];
    unsigned how = take(input);
    int count = dtls_take(from, bytes, sizeof(bytes));
    if (!count)
        return;
    if (how % 8 == 1)
        for (unsigned turns = 1 + how / 64; turns; turns--)
            bytes[(take(input) << 8 | take(input)) % (unsigned)count] ^= (uint8_t)(1 << take(input) % 8);
    if (how % 8 == 2)
        count = 1 + (int)(take(input) << 3) % count;
    if (how % 8 == 3)
        return; /* lost */
    uint8_t *exact = malloc((size_t)count);
    EXPECT(exact);
    memcpy(exact, bytes, (size_t)count);
    dtls_receive(to, exact, count);
    if (how % 8 == 4)
        dtls_receive(to, exact, count);
    free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct dtls *ends[2] = {dtls_make(context(), 1), dtls_make(context(), 0)};
    uint8_t send[46], receive[46];
    char text[FINGERPRINT_TEXT];
    EXPECT(ends[0] && ends[1]);
    dtls_work(ends[0]);
    for (int step = 0; step < STEPS && input.left; step++) {
        unsigned what = take(&input), end = what >> 7;
        size_t count;
        uint8_t *bytes;
        switch (what % 8) {
        case 0:
            bytes = take_bytes(&input, MOST, &count);
            if (count && !(what & 0x40))
                bytes[0] = (uint8_t)(20 + bytes[0] % 44);
            dtls_receive(ends[end], bytes, (int)count);
            free(bytes);
            break;
        case 1:
            if (dtls_timeout(ends[end]) >= 0)
                dtls_expired(ends[end]);
            break;
        case 2:
            dtls_rekey(ends[end]);
            break;
        default:
            pass(&input, ends[end], ends[!end]);
            break;
        }
    }
    for (int end = 0; end < 2; end++) {
        dtls_keys(ends[end], !end, send, receive);
        dtls_peer_fingerprint(ends[end], "sha256", text);
        dtls_close(ends[end]);
        dtls_free(ends[end]);
    }
    return 0;
}
