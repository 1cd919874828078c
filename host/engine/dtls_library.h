/* What DTLS needs of OpenSSL, found when the first call asks for it. */
#ifndef OFFHOOK_DTLS_LIBRARY_H
#define OFFHOOK_DTLS_LIBRARY_H

#include "crypto.h" /* first: it says which of OpenSSL's warnings are wanted */

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdbool.h>

#define DTLS_SSL_FUNCTIONS(X)                                                                                          \
    X(DTLS_method)                                                                                                     \
    X(SSL_CTX_new)                                                                                                     \
    X(SSL_CTX_free)                                                                                                    \
    X(SSL_CTX_set_verify)                                                                                              \
    X(SSL_CTX_set_tlsext_use_srtp)                                                                                     \
    X(SSL_CTX_use_certificate)                                                                                         \
    X(SSL_CTX_use_PrivateKey)                                                                                          \
    X(SSL_CTX_use_certificate_chain_file)                                                                              \
    X(SSL_CTX_use_PrivateKey_file)                                                                                     \
    X(SSL_CTX_check_private_key)                                                                                       \
    X(SSL_CTX_get0_certificate)                                                                                        \
    X(SSL_CTX_set_cipher_list)                                                                                         \
    X(SSL_CTX_load_verify_locations)                                                                                   \
    X(SSL_CTX_ctrl)                                                                                                    \
    X(SSL_new)                                                                                                         \
    X(SSL_free)                                                                                                        \
    X(SSL_ctrl)                                                                                                        \
    X(SSL_set_options)                                                                                                 \
    X(SSL_set_bio)                                                                                                     \
    X(SSL_set_accept_state)                                                                                            \
    X(SSL_set_connect_state)                                                                                           \
    X(SSL_do_handshake)                                                                                                \
    X(SSL_renegotiate)                                                                                                 \
    X(SSL_read)                                                                                                        \
    X(SSL_shutdown)                                                                                                    \
    X(SSL_get_error)                                                                                                   \
    X(SSL_is_init_finished)                                                                                            \
    X(SSL_get1_peer_certificate)                                                                                       \
    X(SSL_get_selected_srtp_profile)                                                                                   \
    X(SSL_export_keying_material)                                                                                      \
    X(SSL_get_verify_result)

#define DTLS_CRYPTO_FUNCTIONS(X)                                                                                       \
    X(BIO_meth_new)                                                                                                    \
    X(BIO_meth_set_read)                                                                                               \
    X(BIO_meth_set_write)                                                                                              \
    X(BIO_meth_set_ctrl)                                                                                               \
    X(BIO_meth_set_create)                                                                                             \
    X(BIO_new)                                                                                                         \
    X(BIO_set_data)                                                                                                    \
    X(BIO_get_data)                                                                                                    \
    X(BIO_set_init)                                                                                                    \
    X(BIO_set_flags)                                                                                                   \
    X(BIO_clear_flags)                                                                                                 \
    X(ERR_get_error)                                                                                                   \
    X(ERR_clear_error)                                                                                                 \
    X(ERR_reason_error_string)                                                                                         \
    X(EVP_PKEY_Q_keygen)                                                                                               \
    X(EVP_PKEY_free)                                                                                                   \
    X(EVP_sha1)                                                                                                        \
    X(EVP_sha256)                                                                                                      \
    X(EVP_get_digestbyname)                                                                                            \
    X(X509_new)                                                                                                        \
    X(X509_free)                                                                                                       \
    X(X509_set_version)                                                                                                \
    X(X509_get_serialNumber)                                                                                           \
    X(ASN1_INTEGER_set_uint64)                                                                                         \
    X(X509_getm_notBefore)                                                                                             \
    X(X509_getm_notAfter)                                                                                              \
    X(X509_gmtime_adj)                                                                                                 \
    X(X509_set_pubkey)                                                                                                 \
    X(X509_get_subject_name)                                                                                           \
    X(X509_set_issuer_name)                                                                                            \
    X(X509_NAME_add_entry_by_txt)                                                                                      \
    X(X509_sign)                                                                                                       \
    X(X509_digest)                                                                                                     \
    X(X509_verify_cert_error_string)

struct dtls_library {
#define DTLS_MEMBER(name) __typeof__(name) *name;
    DTLS_SSL_FUNCTIONS(DTLS_MEMBER)
    DTLS_CRYPTO_FUNCTIONS(DTLS_MEMBER)
#undef DTLS_MEMBER
};

extern struct dtls_library ssl;

/* False when libssl or libcrypto is missing. */
bool dtls_library_load(void);

/* A certificate signed by itself, for a year, with a fresh P-256 key. */
bool dtls_certificate_make(X509 **certificate, EVP_PKEY **key);

#endif
