#include "secure.h"

#include <stdlib.h>
#include <string.h>

#include "crypto.h"

enum {
    SALT = 14,
    GCM_SALT = 12,
    AUTH_KEY = 20,
    HEADER = 12,
    CONTROL_HEADER = 8,
    INDEX = 4,
    WINDOW = 64,
    BLOCK = 16,
    SHA1_BLOCK = 64,
    CONTROL_TAG = 10 /* also of the suites that shorten RTP's (RFC 4568 6.2.2) */
};

/* Labels of key derivation (RFC 3711 4.3.1, 4.3.2). */
enum { LABEL_RTP = 0, LABEL_RTCP = 3, OF_CIPHER = 0, OF_AUTH = 1, OF_SALT = 2 };

static const struct suite {
    uint8_t key, salt, tag, control_tag;
    bool gcm;
} suites[SRTP_SUITES] = {
    [SRTP_AES_128_CM_80] = {16, SALT, 10, CONTROL_TAG, false}, [SRTP_AES_128_CM_32] = {16, SALT, 4, CONTROL_TAG, false},
    [SRTP_AES_192_CM_80] = {24, SALT, 10, CONTROL_TAG, false}, [SRTP_AES_192_CM_32] = {24, SALT, 4, CONTROL_TAG, false},
    [SRTP_AES_256_CM_80] = {32, SALT, 10, CONTROL_TAG, false}, [SRTP_AES_256_CM_32] = {32, SALT, 4, CONTROL_TAG, false},
    [SRTP_AES_128_GCM] = {16, GCM_SALT, 16, 16, true},         [SRTP_AES_128_GCM_8] = {16, GCM_SALT, 8, 8, true},
    [SRTP_AES_256_GCM] = {32, GCM_SALT, 16, 16, true},         [SRTP_AES_256_GCM_8] = {32, GCM_SALT, 8, 8, true},
};

/* What protects one kind of packet in one direction. */
struct keys {
    EVP_CIPHER_CTX *cipher;
    uint8_t salt[SALT];
    SHA_CTX inner, outer; /* HMAC's, with the key taken in */
};

/* Numbers seen: everything up to highest - WINDOW, and of the rest the bits. */
struct window {
    uint64_t highest, seen;
    bool began;
};

struct source {
    uint32_t ssrc;
    bool known;
    uint32_t used; /* when, in packets of this direction */
    struct window media, control;
};

struct direction {
    struct keys media, control;
    struct source sources[SRTP_SOURCES];
    uint32_t packets;
    uint32_t control_index;
    bool encrypts;
};

struct secure {
    struct suite suite;
    int mki;
    bool replay_protection;
    struct direction out, in;
};

int secure_bytes(int suite)
{
    return suite > SRTP_NONE && suite < SRTP_SUITES ? suites[suite].key + suites[suite].salt : 0;
}

int secure_key_length(int suite)
{
    return suite > SRTP_NONE && suite < SRTP_SUITES ? suites[suite].key : 0;
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* ---- keys ---- */

static EVP_CIPHER_CTX *make_cipher(const char *name, const uint8_t *key, bool encrypts)
{
    EVP_CIPHER *cipher = crypto.EVP_CIPHER_fetch(NULL, name, NULL);
    EVP_CIPHER_CTX *context = cipher ? crypto.EVP_CIPHER_CTX_new() : NULL;
    if (context && crypto.EVP_CipherInit_ex(context, cipher, NULL, key, NULL, encrypts) != 1) {
        crypto.EVP_CIPHER_CTX_free(context);
        context = NULL;
    }
    if (cipher)
        crypto.EVP_CIPHER_free(cipher);
    return context;
}

static const char *cipher_name(int key, bool gcm)
{
    if (gcm)
        return key == 16 ? "AES-128-GCM" : "AES-256-GCM";
    return key == 16 ? "AES-128-CTR" : key == 24 ? "AES-192-CTR" : "AES-256-CTR";
}

/* RFC 3711 4.3.3 with a key derivation rate of 0; the PRF has the key size of the suite (RFC 6188 3). */
static bool derive(EVP_CIPHER_CTX *prf, const uint8_t *salt, int salt_length, int label, uint8_t *key, int length)
{
    static const uint8_t zeros[SRTP_KEY_MAX];
    uint8_t iv[BLOCK] = {0};
    int done = 0;
    memcpy(iv, salt, (size_t)salt_length);
    iv[7] ^= (uint8_t)label;
    return crypto.EVP_CipherInit_ex(prf, NULL, NULL, NULL, iv, 1) == 1 &&
           crypto.EVP_CipherUpdate(prf, key, &done, zeros, length) == 1 && done == length;
}

/* The two halves of HMAC-SHA1 (RFC 2104 2), ready to go on from. */
static void start_hmac(struct keys *keys, const uint8_t key[AUTH_KEY])
{
    uint8_t pad[SHA1_BLOCK];
    for (int i = 0; i < SHA1_BLOCK; i++)
        pad[i] = (uint8_t)((i < AUTH_KEY ? key[i] : 0) ^ 0x36);
    crypto.SHA1_Init(&keys->inner);
    crypto.SHA1_Update(&keys->inner, pad, sizeof(pad));
    for (int i = 0; i < SHA1_BLOCK; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    crypto.SHA1_Init(&keys->outer);
    crypto.SHA1_Update(&keys->outer, pad, sizeof(pad));
    crypto.OPENSSL_cleanse(pad, sizeof(pad));
}

static bool make_keys(struct keys *keys, const struct suite *suite, const uint8_t *master, int label, bool encrypts)
{
    uint8_t key[32], auth[AUTH_KEY];
    const uint8_t *salt = master + suite->key;
    EVP_CIPHER_CTX *prf = make_cipher(cipher_name(suite->key, false), master, true);
    bool made = prf && derive(prf, salt, suite->salt, label + OF_CIPHER, key, suite->key) &&
                derive(prf, salt, suite->salt, label + OF_AUTH, auth, AUTH_KEY) &&
                derive(prf, salt, suite->salt, label + OF_SALT, keys->salt, suite->salt);
    if (made) {
        keys->cipher = make_cipher(cipher_name(suite->key, suite->gcm), key, encrypts || !suite->gcm);
        start_hmac(keys, auth);
    }
    crypto.OPENSSL_cleanse(key, sizeof(key));
    crypto.OPENSSL_cleanse(auth, sizeof(auth));
    if (prf)
        crypto.EVP_CIPHER_CTX_free(prf);
    return keys->cipher != NULL;
}

struct secure *secure_make(int suite, const uint8_t *send, const uint8_t *receive, int mki, bool replay_protection)
{
    struct secure *secure = secure_bytes(suite) && crypto_load() ? calloc(1, sizeof(*secure)) : NULL;
    if (!secure)
        return NULL;
    secure->suite = suites[suite];
    secure->mki = mki;
    secure->replay_protection = replay_protection;
    secure->out.encrypts = true;
    if (make_keys(&secure->out.media, &secure->suite, send, LABEL_RTP, true) &&
        make_keys(&secure->out.control, &secure->suite, send, LABEL_RTCP, true) &&
        make_keys(&secure->in.media, &secure->suite, receive, LABEL_RTP, false) &&
        make_keys(&secure->in.control, &secure->suite, receive, LABEL_RTCP, false))
        return secure;
    secure_free(secure);
    return NULL;
}

void secure_free(struct secure *secure)
{
    if (!secure)
        return;
    struct keys *all[] = {&secure->out.media, &secure->out.control, &secure->in.media, &secure->in.control};
    for (int i = 0; i < 4; i++)
        if (all[i]->cipher)
            crypto.EVP_CIPHER_CTX_free(all[i]->cipher);
    crypto.OPENSSL_cleanse(secure, sizeof(*secure));
    free(secure);
}

/* ---- packet numbers ---- */

/* The source of an SSRC; one not known yet takes a fresh place, or that of the longest silent. It is only kept when
 * the packet proves good: see keep(). */
static struct source *find(struct direction *direction, uint32_t ssrc, struct source *fresh)
{
    for (int i = 0; i < SRTP_SOURCES; i++)
        if (direction->sources[i].known && direction->sources[i].ssrc == ssrc)
            return &direction->sources[i];
    *fresh = (struct source){.ssrc = ssrc, .known = true};
    return fresh;
}

static void keep(struct direction *direction, struct source *source, const struct source *fresh)
{
    source->used = ++direction->packets;
    if (source != fresh)
        return;
    struct source *place = direction->sources;
    for (int i = 0; i < SRTP_SOURCES; i++) {
        struct source *other = &direction->sources[i];
        if (!other->known || (place->known && (int32_t)(other->used - place->used) < 0))
            place = other;
        if (!place->known)
            break;
    }
    *place = *fresh;
}

/* RFC 3711 3.3.1: the 48-bit index a sequence number most likely stands for. */
static uint64_t index_of(const struct window *window, uint16_t sequence)
{
    if (!window->began)
        return sequence;
    uint64_t rollover = window->highest >> 16;
    uint16_t last = (uint16_t)window->highest;
    if (last < 0x8000) {
        if (sequence - last > 0x8000 && rollover)
            rollover--;
    } else if (last - 0x8000 > sequence) {
        rollover++;
    }
    return rollover << 16 | sequence;
}

static bool is_fresh(const struct window *window, uint64_t index)
{
    if (!window->began || index > window->highest)
        return true;
    uint64_t age = window->highest - index;
    return age < WINDOW && !(window->seen >> age & 1);
}

static void note(struct window *window, uint64_t index)
{
    if (!window->began) {
        *window = (struct window){.highest = index, .seen = 1, .began = true};
    } else if (index > window->highest) {
        uint64_t ahead = index - window->highest;
        window->seen = ahead < WINDOW ? window->seen << ahead | 1 : 1;
        window->highest = index;
    } else if (window->highest - index < WINDOW) {
        window->seen |= (uint64_t)1 << (window->highest - index);
    }
}

/* ---- transforms ---- */

/* Counter mode (RFC 3711 4.1.1); the same both ways. */
static bool count_mode(const struct keys *keys, uint32_t ssrc, uint64_t index, const uint8_t *in, int count,
                       uint8_t *out)
{
    uint8_t iv[BLOCK] = {0};
    int done = 0;
    memcpy(iv, keys->salt, SALT);
    for (int i = 0; i < 4; i++)
        iv[4 + i] ^= (uint8_t)(ssrc >> (24 - 8 * i));
    for (int i = 0; i < 6; i++)
        iv[8 + i] ^= (uint8_t)(index >> (40 - 8 * i));
    if (!count)
        return true;
    return crypto.EVP_CipherInit_ex(keys->cipher, NULL, NULL, NULL, iv, -1) == 1 &&
           crypto.EVP_CipherUpdate(keys->cipher, out, &done, in, count) == 1 && done == count;
}

static void authenticate(const struct keys *keys, const uint8_t *bytes, int count, const uint8_t *more, int more_count,
                         uint8_t digest[SHA_DIGEST_LENGTH])
{
    SHA_CTX context = keys->inner;
    crypto.SHA1_Update(&context, bytes, (size_t)count);
    crypto.SHA1_Update(&context, more, (size_t)more_count);
    crypto.SHA1_Final(digest, &context);
    context = keys->outer;
    crypto.SHA1_Update(&context, digest, SHA_DIGEST_LENGTH);
    crypto.SHA1_Final(digest, &context);
}

/* Galois counter mode. iv as RFC 7714 8.1 and 9.1 have it: SSRC at 2, the index in the last six. The tag stands at
 * `tag` (written when sealing, read when opening). */
static bool galois(const struct direction *direction, const struct keys *keys, uint32_t ssrc, uint64_t index,
                   const uint8_t *clear, int clear_count, const uint8_t *more, int more_count, const uint8_t *in,
                   int count, uint8_t *out, uint8_t *tag, int tag_count)
{
    uint8_t iv[GCM_SALT] = {0};
    int done = 0;
    put32(iv + 2, ssrc);
    for (int i = 0; i < 6; i++)
        iv[6 + i] = (uint8_t)(index >> (40 - 8 * i));
    for (int i = 0; i < GCM_SALT; i++)
        iv[i] ^= keys->salt[i];
    EVP_CIPHER_CTX *cipher = keys->cipher;
    if (crypto.EVP_CipherInit_ex(cipher, NULL, NULL, NULL, iv, -1) != 1)
        return false;
    if (!direction->encrypts && crypto.EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, tag_count, tag) != 1)
        return false;
    if (crypto.EVP_CipherUpdate(cipher, NULL, &done, clear, clear_count) != 1)
        return false;
    if (more_count && crypto.EVP_CipherUpdate(cipher, NULL, &done, more, more_count) != 1)
        return false;
    if (count && crypto.EVP_CipherUpdate(cipher, out, &done, in, count) != 1)
        return false;
    uint8_t rest[BLOCK];
    if (crypto.EVP_CipherFinal_ex(cipher, rest, &done) != 1)
        return false;
    return !direction->encrypts || crypto.EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, tag_count, tag) == 1;
}

/* Length of an RTP header with what is not encrypted of it; 0 when malformed. */
static int header_of(const uint8_t *bytes, int count)
{
    if (count < HEADER || (bytes[0] & 0xc0) != 0x80)
        return 0;
    int header = HEADER + (bytes[0] & 0x0f) * 4;
    if (bytes[0] & 0x10) {
        if (header + 4 > count)
            return 0;
        header += 4 + (bytes[header + 2] << 8 | bytes[header + 3]) * 4;
    }
    return header <= count ? header : 0;
}

int secure_protect(struct secure *secure, const uint8_t *in, int count, uint8_t *out)
{
    struct direction *direction = &secure->out;
    const struct keys *keys = &direction->media;
    struct source fresh;
    int header = header_of(in, count), tag = secure->suite.tag;
    if (!header)
        return 0;
    uint32_t ssrc = get32(in + 8);
    struct source *source = find(direction, ssrc, &fresh);
    uint64_t index = index_of(&source->media, (uint16_t)(in[2] << 8 | in[3]));
    if (!is_fresh(&source->media, index)) /* two packets of one number would give the key stream away */
        return 0;
    memcpy(out, in, (size_t)header);
    if (secure->suite.gcm) {
        if (!galois(direction, keys, ssrc, index, out, header, NULL, 0, in + header, count - header, out + header,
                    out + count, tag))
            return 0;
    } else {
        uint8_t rollover[4], digest[SHA_DIGEST_LENGTH];
        put32(rollover, (uint32_t)(index >> 16));
        if (!count_mode(keys, ssrc, index, in + header, count - header, out + header))
            return 0;
        authenticate(keys, out, count, rollover, sizeof(rollover), digest);
        memcpy(out + count, digest, (size_t)tag);
    }
    note(&source->media, index);
    keep(direction, source, &fresh);
    return count + tag;
}

int secure_unprotect(struct secure *secure, uint8_t *bytes, int count)
{
    struct direction *direction = &secure->in;
    const struct keys *keys = &direction->media;
    struct source fresh;
    int header = header_of(bytes, count), tag = secure->suite.tag;
    int clear = count - tag - secure->mki; /* the identifier stands before the tag and is not authenticated */
    if (!header || clear < header)
        return 0;
    uint32_t ssrc = get32(bytes + 8);
    struct source *source = find(direction, ssrc, &fresh);
    uint64_t index = index_of(&source->media, (uint16_t)(bytes[2] << 8 | bytes[3]));
    if (secure->replay_protection && !is_fresh(&source->media, index))
        return 0;
    if (secure->suite.gcm) {
        /* RFC 7714 8.2 puts the tag with the cipher text, and the identifier behind it */
        if (!galois(direction, keys, ssrc, index, bytes, header, NULL, 0, bytes + header, clear - header,
                    bytes + header, bytes + clear, tag))
            return 0;
    } else {
        uint8_t rollover[4], digest[SHA_DIGEST_LENGTH];
        put32(rollover, (uint32_t)(index >> 16));
        authenticate(keys, bytes, clear, rollover, sizeof(rollover), digest);
        if (crypto.CRYPTO_memcmp(digest, bytes + count - tag, (size_t)tag) ||
            !count_mode(keys, ssrc, index, bytes + header, clear - header, bytes + header))
            return 0;
    }
    note(&source->media, index);
    keep(direction, source, &fresh);
    return clear;
}

int secure_protect_control(struct secure *secure, const uint8_t *in, int count, uint8_t *out)
{
    struct direction *direction = &secure->out;
    const struct keys *keys = &direction->control;
    int tag = secure->suite.control_tag;
    if (count < CONTROL_HEADER)
        return 0;
    uint32_t ssrc = get32(in + 4), index = ++direction->control_index & 0x7fffffff;
    uint8_t word[INDEX];
    put32(word, index | 0x80000000u);
    memcpy(out, in, CONTROL_HEADER);
    if (secure->suite.gcm) {
        if (!galois(direction, keys, ssrc, index, out, CONTROL_HEADER, word, INDEX, in + CONTROL_HEADER,
                    count - CONTROL_HEADER, out + CONTROL_HEADER, out + count, tag))
            return 0;
        memcpy(out + count + tag, word, INDEX);
    } else {
        uint8_t digest[SHA_DIGEST_LENGTH];
        if (!count_mode(keys, ssrc, index, in + CONTROL_HEADER, count - CONTROL_HEADER, out + CONTROL_HEADER))
            return 0;
        memcpy(out + count, word, INDEX);
        authenticate(keys, out, count + INDEX, NULL, 0, digest);
        memcpy(out + count + INDEX, digest, (size_t)tag);
    }
    return count + INDEX + tag;
}

int secure_unprotect_control(struct secure *secure, uint8_t *bytes, int count)
{
    struct direction *direction = &secure->in;
    const struct keys *keys = &direction->control;
    struct source fresh;
    int tag = secure->suite.control_tag, clear = count - tag - secure->mki - INDEX;
    if (clear < CONTROL_HEADER)
        return 0;
    /* counter mode: index, identifier, tag; Galois: tag, index, identifier (RFC 7714 17) */
    uint8_t *word = secure->suite.gcm ? bytes + clear + tag : bytes + clear;
    uint32_t ssrc = get32(bytes + 4), index = get32(word) & 0x7fffffff;
    bool encrypted = word[0] & 0x80;
    struct source *source = find(direction, ssrc, &fresh);
    if (secure->replay_protection && !is_fresh(&source->control, index))
        return 0;
    if (secure->suite.gcm) {
        uint8_t saved[INDEX];
        memcpy(saved, word, INDEX);
        int head = encrypted ? CONTROL_HEADER : clear;
        if (!galois(direction, keys, ssrc, index, bytes, head, saved, INDEX, bytes + head, clear - head, bytes + head,
                    bytes + clear, tag))
            return 0;
    } else {
        uint8_t digest[SHA_DIGEST_LENGTH];
        authenticate(keys, bytes, clear + INDEX, NULL, 0, digest);
        if (crypto.CRYPTO_memcmp(digest, bytes + count - tag, (size_t)tag))
            return 0;
        if (encrypted &&
            !count_mode(keys, ssrc, index, bytes + CONTROL_HEADER, clear - CONTROL_HEADER, bytes + CONTROL_HEADER))
            return 0;
    }
    note(&source->control, index);
    keep(direction, source, &fresh);
    return clear;
}
