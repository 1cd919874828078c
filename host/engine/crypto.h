/* OpenSSL's libcrypto and libssl, opened when the first call needs them: a call in the clear costs neither. */
#ifndef OFFHOOK_CRYPTO_H
#define OFFHOOK_CRYPTO_H

#define OPENSSL_SUPPRESS_DEPRECATED /* SHA1_Update: the only SHA-1 of OpenSSL 3 that allocates nothing */

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdbool.h>

#define CRYPTO_FUNCTIONS(X)                                                                                            \
    X(EVP_CIPHER_fetch)                                                                                                \
    X(EVP_CIPHER_free)                                                                                                 \
    X(EVP_CIPHER_CTX_new)                                                                                              \
    X(EVP_CIPHER_CTX_free)                                                                                             \
    X(EVP_CIPHER_CTX_ctrl)                                                                                             \
    X(EVP_CIPHER_CTX_set_padding)                                                                                      \
    X(EVP_CipherInit_ex)                                                                                               \
    X(EVP_CipherUpdate)                                                                                                \
    X(EVP_CipherFinal_ex)                                                                                              \
    X(SHA1_Init)                                                                                                       \
    X(SHA1_Update)                                                                                                     \
    X(SHA1_Final)                                                                                                      \
    X(OPENSSL_cleanse)                                                                                                 \
    X(CRYPTO_memcmp)

struct crypto {
#define CRYPTO_MEMBER(name) __typeof__(name) *name;
    CRYPTO_FUNCTIONS(CRYPTO_MEMBER)
#undef CRYPTO_MEMBER
};

extern struct crypto crypto;

/* Control thread: open libcrypto; false when it is not there. Harmless again and again. */
bool crypto_load(void);

/* A symbol of a library that dlopen gave, into *place; false when it lacks it. */
bool crypto_find(void *library, const char *name, void *place);

#endif
