/* SRTP and SRTCP (RFC 3711, 6188, 7714): the keys of one leg, both ways.
 *
 * Why not libsrtp: as Debian builds it, it allocates a dozen times a packet and takes OpenSSL's locks, which the
 * real-time thread may not. Here all contexts are made by the control thread; a packet costs AES and SHA-1 alone. */
#ifndef OFFHOOK_SECURE_H
#define OFFHOOK_SECURE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    SRTP_KEY_MAX = 46, /* master key and salt of the longest suite */
    SRTP_TRAILER = 32, /* most that protecting adds to a packet */
    SRTP_SOURCES = 8   /* SSRCs remembered each way; of more, the one longest silent is forgotten */
};

enum srtp_suite_number {
    SRTP_NONE,
    SRTP_AES_128_CM_80,
    SRTP_AES_128_CM_32,
    SRTP_AES_192_CM_80,
    SRTP_AES_192_CM_32,
    SRTP_AES_256_CM_80,
    SRTP_AES_256_CM_32,
    SRTP_AES_128_GCM,
    SRTP_AES_128_GCM_8,
    SRTP_AES_256_GCM,
    SRTP_AES_256_GCM_8,
    SRTP_SUITES
};

struct secure;

/* Bytes of master key plus salt; 0 for no suite. */
int secure_bytes(int suite);
int secure_key_length(int suite); /* of the key alone */

/* Control thread. Keys are secure_bytes(suite) long; mki is the length of the identifier that the far end puts into its
 * packets (RFC 3711 3.1). NULL when libcrypto or memory is missing. */
struct secure *secure_make(int suite, const uint8_t *send, const uint8_t *receive, int mki, bool replay_protection);
void secure_free(struct secure *secure);

/* Real-time thread. The protected packet in out (room: count + SRTP_TRAILER); returns its length, 0 when it cannot be
 * sent: malformed, or its number was used already. */
int secure_protect(struct secure *secure, const uint8_t *in, int count, uint8_t *out);
int secure_protect_control(struct secure *secure, const uint8_t *in, int count, uint8_t *out);

/* Real-time thread, in place; returns the length in the clear, 0 when it is forged, replayed or malformed. */
int secure_unprotect(struct secure *secure, uint8_t *bytes, int count);
int secure_unprotect_control(struct secure *secure, uint8_t *bytes, int count);

#endif
