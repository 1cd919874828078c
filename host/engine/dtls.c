#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "api.h"
#include "crypto.h"
#include "dtls_library.h"
#include "secure.h"

enum { MASTER_MAX = SRTP_KEY_MAX, MOST_QUEUED = 32 };

/* What one configuration needs of OpenSSL; shared by its calls. */
struct dtls_context {
    SSL_CTX *context;
    int mtu;
};

/* A datagram on its way. */
struct flight {
    struct flight *next;
    int count;
    unsigned char bytes[];
};

struct queue {
    struct flight *first, **end;
    int count;
};

struct dtls {
    SSL *connection;
    struct queue in, out;
    int mtu;
    bool done;
    char error[ENGINE_TEXT];
};

/* ---- a BIO that keeps datagrams apart ---- */

static void push(struct queue *queue, const void *bytes, int count)
{
    if (queue->count == MOST_QUEUED || count <= 0)
        return;
    struct flight *flight = malloc(sizeof(*flight) + (size_t)count);
    if (!flight)
        return;
    flight->next = NULL;
    flight->count = count;
    memcpy(flight->bytes, bytes, (size_t)count);
    *queue->end = flight;
    queue->end = &flight->next;
    queue->count++;
}

/* What does not fit is cut off, as a socket would. */
static int pop(struct queue *queue, void *bytes, int room)
{
    struct flight *flight = queue->first;
    if (!flight)
        return 0;
    int count = flight->count < room ? flight->count : room;
    memcpy(bytes, flight->bytes, (size_t)count);
    queue->first = flight->next;
    if (!queue->first)
        queue->end = &queue->first;
    queue->count--;
    free(flight);
    return count;
}

static int bio_create(BIO *bio)
{
    ssl.BIO_set_init(bio, 1);
    return 1;
}

static int bio_read(BIO *bio, char *bytes, int room)
{
    struct dtls *dtls = ssl.BIO_get_data(bio);
    ssl.BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
    int count = pop(&dtls->in, bytes, room);
    if (count)
        return count;
    ssl.BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY);
    return -1;
}

static int bio_write(BIO *bio, const char *bytes, int count)
{
    struct dtls *dtls = ssl.BIO_get_data(bio);
    ssl.BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
    push(&dtls->out, bytes, count);
    return count;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    struct dtls *dtls = ssl.BIO_get_data(bio);
    (void)number;
    (void)pointer;
    switch (command) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
        return dtls->mtu;
    default:
        return 0;
    }
}

static BIO *make_bio(struct dtls *dtls)
{
    static BIO_METHOD *method;
    if (!method) {
        method = ssl.BIO_meth_new(BIO_TYPE_SOURCE_SINK, "datagrams");
        if (!method)
            return NULL;
        ssl.BIO_meth_set_create(method, bio_create);
        ssl.BIO_meth_set_read(method, bio_read);
        ssl.BIO_meth_set_write(method, bio_write);
        ssl.BIO_meth_set_ctrl(method, bio_control);
    }
    BIO *bio = ssl.BIO_new(method);
    if (bio)
        ssl.BIO_set_data(bio, dtls);
    return bio;
}

/* ---- configurations ---- */

static const char *reason(void)
{
    unsigned long code = ssl.ERR_get_error();
    const char *text = code ? ssl.ERR_reason_error_string(code) : NULL;
    ssl.ERR_clear_error();
    return text ? text : "no reason given";
}

/* What the far end shows is judged by its fingerprint, after the handshake. */
static int accept_any(int verified, X509_STORE_CTX *store)
{
    (void)verified;
    (void)store;
    return 1;
}

static bool set_identity(SSL_CTX *context, const struct dtls_settings *settings, char *error)
{
    if (!settings->certificate[0]) {
        X509 *certificate;
        EVP_PKEY *key;
        if (!dtls_certificate_make(&certificate, &key)) {
            snprintf(error, ENGINE_TEXT, "no certificate can be made: %s", reason());
            return false;
        }
        bool used =
            ssl.SSL_CTX_use_certificate(context, certificate) == 1 && ssl.SSL_CTX_use_PrivateKey(context, key) == 1;
        ssl.X509_free(certificate);
        ssl.EVP_PKEY_free(key);
        if (!used)
            snprintf(error, ENGINE_TEXT, "the certificate made cannot be used: %s", reason());
        return used;
    }
    if (ssl.SSL_CTX_use_certificate_chain_file(context, settings->certificate) != 1) {
        snprintf(error, ENGINE_TEXT, "dtls_cert_file %.90s: %s", settings->certificate, reason());
        return false;
    }
    const char *key = settings->key[0] ? settings->key : settings->certificate;
    if (ssl.SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 ||
        ssl.SSL_CTX_check_private_key(context) != 1) {
        snprintf(error, ENGINE_TEXT, "dtls_private_key %.90s: %s", key, reason());
        return false;
    }
    return true;
}

static bool configure(SSL_CTX *context, const struct dtls_settings *settings, char *error)
{
    int verify = settings->verify_fingerprint || settings->verify_certificate
                     ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                     : SSL_VERIFY_NONE;
    ssl.SSL_CTX_set_verify(context, verify, settings->verify_certificate ? NULL : accept_any);
    ssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_READ_AHEAD, 1, NULL);
    if (ssl.SSL_CTX_set_tlsext_use_srtp(context, settings->profiles)) { /* 0 is success here */
        snprintf(error, ENGINE_TEXT, "SRTP profiles %.60s: %s", settings->profiles, reason());
        return false;
    }
    if (settings->ciphers[0] && ssl.SSL_CTX_set_cipher_list(context, settings->ciphers) != 1) {
        snprintf(error, ENGINE_TEXT, "dtls_cipher %.90s: %s", settings->ciphers, reason());
        return false;
    }
    const char *file = settings->ca_file[0] ? settings->ca_file : NULL;
    const char *path = settings->ca_path[0] ? settings->ca_path : NULL;
    if ((file || path) && ssl.SSL_CTX_load_verify_locations(context, file, path) != 1) {
        snprintf(error, ENGINE_TEXT, "dtls_ca_file or dtls_ca_path %.80s: %s", file ? file : path, reason());
        return false;
    }
    return set_identity(context, settings, error);
}

struct dtls_context *dtls_context(const struct dtls_settings *settings, char *error)
{
    error[0] = 0;
    if (!dtls_library_load()) {
        snprintf(error, ENGINE_TEXT, "no DTLS: libssl of OpenSSL 3 (Debian: libssl3, libssl3t64) is missing");
        return NULL;
    }
    struct dtls_context *made = calloc(1, sizeof(*made));
    if (made)
        made->context = ssl.SSL_CTX_new(ssl.DTLS_method());
    if (made && made->context && configure(made->context, settings, error)) {
        made->mtu = settings->mtu;
        return made;
    }
    if (!error[0])
        snprintf(error, ENGINE_TEXT, "out of memory");
    dtls_context_free(made);
    return NULL;
}

void dtls_context_free(struct dtls_context *context)
{
    if (!context)
        return;
    if (context->context)
        ssl.SSL_CTX_free(context->context);
    free(context);
}

/* ---- fingerprints ---- */

static int write_digest(const X509 *certificate, const char *hash, char *text)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    const EVP_MD *kind = ssl.EVP_get_digestbyname(hash);
    text[0] = 0;
    if (!certificate || !kind || !ssl.X509_digest(certificate, kind, digest, &size))
        return 0;
    for (unsigned i = 0; i < size; i++)
        snprintf(text + 3 * i, 4, i + 1 < size ? "%02X:" : "%02X", digest[i]);
    return 1;
}

int dtls_fingerprint(const struct dtls_context *context, const char *hash, char *text)
{
    return write_digest(ssl.SSL_CTX_get0_certificate(context->context), hash, text);
}

int dtls_peer_fingerprint(const struct dtls *dtls, const char *hash, char *text)
{
    X509 *certificate = ssl.SSL_get1_peer_certificate(dtls->connection);
    int written = write_digest(certificate, hash, text);
    if (certificate)
        ssl.X509_free(certificate);
    return written;
}

/* ---- handshakes ---- */

struct dtls *dtls_make(struct dtls_context *context, int active)
{
    struct dtls *dtls = calloc(1, sizeof(*dtls));
    if (!dtls)
        return NULL;
    dtls->in.end = &dtls->in.first;
    dtls->out.end = &dtls->out.first;
    dtls->mtu = context->mtu;
    dtls->connection = ssl.SSL_new(context->context);
    BIO *bio = dtls->connection ? make_bio(dtls) : NULL;
    if (!bio) {
        dtls_free(dtls);
        return NULL;
    }
    ssl.SSL_set_bio(dtls->connection, bio, bio);
    ssl.SSL_set_options(dtls->connection, SSL_OP_NO_QUERY_MTU | SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
    ssl.SSL_ctrl(dtls->connection, SSL_CTRL_SET_MTU, dtls->mtu, NULL);
    if (active)
        ssl.SSL_set_connect_state(dtls->connection);
    else
        ssl.SSL_set_accept_state(dtls->connection);
    return dtls;
}

void dtls_free(struct dtls *dtls)
{
    char rest[1];
    if (!dtls)
        return;
    if (dtls->connection)
        ssl.SSL_free(dtls->connection);
    while (pop(&dtls->in, rest, 1) || pop(&dtls->out, rest, 1))
        continue;
    free(dtls);
}

static void fail(struct dtls *dtls)
{
    long verified = ssl.SSL_get_verify_result(dtls->connection);
    if (verified != X509_V_OK && verified != X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT) {
        snprintf(dtls->error, sizeof(dtls->error), "%s", ssl.X509_verify_cert_error_string(verified));
        ssl.ERR_clear_error();
    } else {
        snprintf(dtls->error, sizeof(dtls->error), "%s", reason());
    }
}

/* Also false while new keys are being agreed on. */
static bool is_settled(const struct dtls *dtls)
{
    return dtls->done && ssl.SSL_is_init_finished(dtls->connection);
}

int dtls_work(struct dtls *dtls)
{
    char nothing[64];
    if (dtls->error[0])
        return DTLS_FAILED;
    ssl.ERR_clear_error();
    if (!dtls->done) {
        int result = ssl.SSL_do_handshake(dtls->connection);
        if (result == 1) {
            dtls->done = true;
        } else {
            int error = ssl.SSL_get_error(dtls->connection, result);
            if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
                fail(dtls);
                return DTLS_FAILED;
            }
        }
    } else {
        /* no data is expected: what comes is the last flight again, an alert, or the wish for new keys */
        int result = ssl.SSL_read(dtls->connection, nothing, sizeof(nothing));
        if (result <= 0 && ssl.SSL_get_error(dtls->connection, result) == SSL_ERROR_ZERO_RETURN)
            return DTLS_CLOSED;
        ssl.ERR_clear_error();
    }
    return is_settled(dtls) ? DTLS_DONE : DTLS_GOING_ON;
}

int dtls_receive(struct dtls *dtls, const uint8_t *bytes, int count)
{
    push(&dtls->in, bytes, count);
    int state = dtls_work(dtls);
    while (dtls->in.first && state != DTLS_FAILED && state != DTLS_CLOSED) {
        int before = dtls->in.count;
        state = dtls_work(dtls);
        if (dtls->in.count == before)
            break;
    }
    return state;
}

int dtls_take(struct dtls *dtls, uint8_t *bytes, int room)
{
    return pop(&dtls->out, bytes, room);
}

int dtls_timeout(struct dtls *dtls)
{
    struct timeval left;
    if (dtls->done || dtls->error[0] || !ssl.SSL_ctrl(dtls->connection, DTLS_CTRL_GET_TIMEOUT, 0, &left))
        return -1;
    return (int)(left.tv_sec * 1000 + (left.tv_usec + 999) / 1000);
}

int dtls_expired(struct dtls *dtls)
{
    if (dtls->error[0])
        return DTLS_FAILED;
    ssl.ERR_clear_error();
    if (ssl.SSL_ctrl(dtls->connection, DTLS_CTRL_HANDLE_TIMEOUT, 0, NULL) < 0) {
        snprintf(dtls->error, sizeof(dtls->error), "the far end does not answer");
        return DTLS_FAILED;
    }
    return dtls_work(dtls);
}

int dtls_rekey(struct dtls *dtls)
{
    if (!dtls->done || dtls->error[0])
        return dtls_work(dtls);
    ssl.ERR_clear_error();
    if (ssl.SSL_renegotiate(dtls->connection) != 1) {
        ssl.ERR_clear_error();
        return DTLS_DONE; /* the far end does not do that: the keys stay */
    }
    dtls->done = false;
    return dtls_work(dtls);
}

void dtls_close(struct dtls *dtls)
{
    if (dtls->done)
        ssl.SSL_shutdown(dtls->connection);
}

const char *dtls_error(const struct dtls *dtls)
{
    return dtls->error;
}

/* RFC 5764 4.2: client's key, server's key, client's salt, server's salt. */
int dtls_keys(struct dtls *dtls, int active, uint8_t *send, uint8_t *receive)
{
    static const struct {
        unsigned long profile;
        int suite;
    } profiles[] = {{SRTP_AES128_CM_SHA1_80, SRTP_AES_128_CM_80},
                    {SRTP_AES128_CM_SHA1_32, SRTP_AES_128_CM_32},
                    {SRTP_AEAD_AES_128_GCM, SRTP_AES_128_GCM},
                    {SRTP_AEAD_AES_256_GCM, SRTP_AES_256_GCM}};
    static const char label[] = "EXTRACTOR-dtls_srtp";
    const SRTP_PROTECTION_PROFILE *chosen =
        is_settled(dtls) ? ssl.SSL_get_selected_srtp_profile(dtls->connection) : NULL;
    int suite = SRTP_NONE;
    for (size_t i = 0; chosen && i < sizeof(profiles) / sizeof(profiles[0]); i++)
        if (profiles[i].profile == chosen->id)
            suite = profiles[i].suite;
    if (!suite)
        return SRTP_NONE;
    size_t key = (size_t)secure_key_length(suite), salt = (size_t)secure_bytes(suite) - key;
    uint8_t material[2 * MASTER_MAX];
    if (ssl.SSL_export_keying_material(dtls->connection, material, 2 * (key + salt), label, sizeof(label) - 1, NULL, 0,
                                       0) != 1)
        return SRTP_NONE;
    uint8_t *client = active ? send : receive, *server = active ? receive : send;
    memcpy(client, material, key);
    memcpy(server, material + key, key);
    memcpy(client + key, material + 2 * key, salt);
    memcpy(server + key, material + 2 * key + salt, salt);
    crypto.OPENSSL_cleanse(material, sizeof(material));
    return suite;
}
