#include "dtls_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sys/random.h>

struct dtls_library ssl;

static bool opened;

static void open_libraries(void)
{
    void *library = crypto_load() ? dlopen("libssl.so.3", RTLD_NOW | RTLD_LOCAL) : NULL;
    void *base = library ? dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!base)
        return;
    bool whole = true;
#define DTLS_FIND(name) whole = whole && crypto_find(library, #name, &ssl.name);
    DTLS_SSL_FUNCTIONS(DTLS_FIND)
#undef DTLS_FIND
#define DTLS_FIND(name) whole = whole && crypto_find(base, #name, &ssl.name);
    DTLS_CRYPTO_FUNCTIONS(DTLS_FIND)
#undef DTLS_FIND
    opened = whole;
}

bool dtls_library_load(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, open_libraries);
    return opened;
}

/* The authority of such a certificate is the fingerprint in SDP: nobody reads its name. */
bool dtls_certificate_make(X509 **certificate, EVP_PKEY **key)
{
    enum { A_DAY = 86400, A_YEAR = 365 * A_DAY };
    static const unsigned char name[] = "offhook";
    uint64_t serial = 0;
    *key = ssl.EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    *certificate = ssl.X509_new();
    if (*key && *certificate && getrandom(&serial, sizeof(serial), 0) == sizeof(serial)) {
        X509_NAME *subject = ssl.X509_get_subject_name(*certificate);
        if (ssl.X509_set_version(*certificate, X509_VERSION_3) &&
            ssl.ASN1_INTEGER_set_uint64(ssl.X509_get_serialNumber(*certificate), serial >> 1) &&
            ssl.X509_gmtime_adj(ssl.X509_getm_notBefore(*certificate), -A_DAY) &&
            ssl.X509_gmtime_adj(ssl.X509_getm_notAfter(*certificate), A_YEAR) &&
            ssl.X509_set_pubkey(*certificate, *key) &&
            ssl.X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, name, -1, -1, 0) &&
            ssl.X509_set_issuer_name(*certificate, subject) && ssl.X509_sign(*certificate, *key, ssl.EVP_sha256()))
            return true;
    }
    if (*key)
        ssl.EVP_PKEY_free(*key);
    if (*certificate)
        ssl.X509_free(*certificate);
    *key = NULL;
    *certificate = NULL;
    return false;
}
