#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "crypto.h"
#include "wire_iax.h"

enum { BLOCK = 16 };

struct iax_seal {
    EVP_CIPHER_CTX *cipher;
    uint8_t padding[IAX_PADDING]; /* the end of what was sealed last: nobody else knows it */
};

static EVP_CIPHER_CTX *make_cipher(const uint8_t *key, bool encrypts)
{
    EVP_CIPHER *cipher = crypto.EVP_CIPHER_fetch(NULL, "AES-128-CBC", NULL);
    EVP_CIPHER_CTX *context = cipher ? crypto.EVP_CIPHER_CTX_new() : NULL;
    static const uint8_t zero[BLOCK];
    if (context && crypto.EVP_CipherInit_ex(context, cipher, NULL, key, zero, encrypts) != 1) {
        crypto.EVP_CIPHER_CTX_free(context);
        context = NULL;
    }
    if (cipher)
        crypto.EVP_CIPHER_free(cipher);
    return context;
}

struct iax_seal *iax_seal_make(const uint8_t key[IAX_KEY], bool encrypts)
{
    struct iax_seal *seal = crypto_load() ? calloc(1, sizeof(*seal)) : NULL;
    if (!seal)
        return NULL;
    seal->cipher = make_cipher(key, encrypts);
    if (!seal->cipher) {
        free(seal);
        return NULL;
    }
    if (getrandom(seal->padding, sizeof(seal->padding), 0) != sizeof(seal->padding)) {
        iax_seal_free(seal);
        return NULL;
    }
    return seal;
}

void iax_seal_free(struct iax_seal *seal)
{
    if (!seal)
        return;
    crypto.EVP_CIPHER_CTX_free(seal->cipher);
    crypto.OPENSSL_cleanse(seal, sizeof(*seal));
    free(seal);
}

/* Each frame begins a chain of its own, from a block of zeros. */
static bool run(struct iax_seal *seal, const uint8_t *in, int count, uint8_t *out)
{
    static const uint8_t zero[BLOCK];
    int done = 0;
    return crypto.EVP_CipherInit_ex(seal->cipher, NULL, NULL, NULL, zero, -1) == 1 &&
           crypto.EVP_CIPHER_CTX_set_padding(seal->cipher, 0) == 1 &&
           crypto.EVP_CipherUpdate(seal->cipher, out, &done, in, count) == 1 && done == count;
}

int iax_seal(struct iax_seal *seal, const uint8_t *bytes, int count, uint8_t *out)
{
    int padding = BLOCK + (-count & (BLOCK - 1));
    memcpy(out, seal->padding, (size_t)padding);
    memcpy(out + padding, bytes, (size_t)count);
    out[BLOCK - 1] = (uint8_t)((out[BLOCK - 1] & 0xf0) | (padding & 0x0f));
    int whole = count + padding;
    uint8_t tail[IAX_PADDING] = {0};
    memcpy(tail, out + (whole > IAX_PADDING ? whole - IAX_PADDING : 0),
           (size_t)(whole > IAX_PADDING ? IAX_PADDING : whole));
    if (!run(seal, out, whole, out))
        return 0;
    for (int i = 0; i < IAX_PADDING; i++) /* two frames of silence must not begin alike */
        seal->padding[i] = (uint8_t)(tail[i] ^ out[i % BLOCK]);
    return whole;
}

uint8_t *iax_unseal(struct iax_seal *seal, uint8_t *bytes, int *count)
{
    if (*count < BLOCK || *count % BLOCK || !run(seal, bytes, *count, bytes))
        return NULL;
    int padding = BLOCK + (bytes[BLOCK - 1] & 0x0f);
    if (*count < padding)
        return NULL;
    *count -= padding;
    return bytes + padding;
}
