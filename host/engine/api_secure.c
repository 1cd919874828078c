/* The control thread's side of secure media, of packets that are no RTP, and of watching packets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "aside.h"
#include "engine.h"
#include "rtp.h"
#include "secure.h"
#include "tunnel.h"

static const struct {
    const char *name;
    int suite;
} names[] = {
    {"AES_CM_128_HMAC_SHA1_80", SRTP_AES_128_CM_80},
    {"AES_CM_128_HMAC_SHA1_32", SRTP_AES_128_CM_32},
    {"AES_192_CM_HMAC_SHA1_80", SRTP_AES_192_CM_80},
    {"AES_192_CM_HMAC_SHA1_32", SRTP_AES_192_CM_32},
    {"AES_256_CM_HMAC_SHA1_80", SRTP_AES_256_CM_80},
    {"AES_256_CM_HMAC_SHA1_32", SRTP_AES_256_CM_32},
    {"AEAD_AES_128_GCM", SRTP_AES_128_GCM},
    {"AEAD_AES_256_GCM", SRTP_AES_256_GCM},
    /* names of drafts that are still in use */
    {"AES_CM_192_HMAC_SHA1_80", SRTP_AES_192_CM_80},
    {"AES_CM_192_HMAC_SHA1_32", SRTP_AES_192_CM_32},
    {"AES_CM_256_HMAC_SHA1_80", SRTP_AES_256_CM_80},
    {"AES_CM_256_HMAC_SHA1_32", SRTP_AES_256_CM_32},
    {"AEAD_AES_128_GCM_8", SRTP_AES_128_GCM_8},
    {"AEAD_AES_256_GCM_8", SRTP_AES_256_GCM_8},
};

enum { NAMES = sizeof(names) / sizeof(names[0]) };

int secure_suite(const char *name)
{
    for (int i = 0; i < NAMES; i++)
        if (!strcmp(name, names[i].name))
            return names[i].suite;
    return SRTP_NONE;
}

const char *secure_suite_name(int suite)
{
    for (int i = 0; i < NAMES; i++)
        if (suite == names[i].suite)
            return names[i].name;
    return "";
}

int rtp_secure(struct leg *leg, const struct secure_keys *keys, char *error)
{
    struct command command = {.kind = COMMAND_SECURE, .a = keys->suite, .leg = leg, .b = keys->rtcp_port};
    error[0] = 0;
    _Static_assert(sizeof(keys->send) == SRTP_KEY_MAX, "room for the longest key");
    if (keys->suite) {
        command.object = secure_make(keys->suite, keys->send, keys->receive, keys->mki, keys->replay_protection);
        if (!command.object) {
            snprintf(error, ENGINE_TEXT, "no SRTP: libcrypto of OpenSSL 3 (Debian: libssl3, libssl3t64) is missing");
            return 0;
        }
    }
    engine_order(leg->engine, &command);
    if (leg->engine->stopped)
        secure_free(command.object);
    return 1;
}

int engine_packet(struct engine *engine, const struct engine_event *event, uint8_t *bytes)
{
    struct letter *letter = (struct letter *)(uintptr_t)event->c;
    int count = letter->count;
    memcpy(bytes, letter->bytes, (size_t)count);
    struct command command = {.kind = COMMAND_RETURN, .object = letter};
    if (engine->stopped)
        aside_return(engine, letter);
    else
        engine_order(engine, &command);
    return count;
}

int rtp_send(struct leg *leg, int way, const char *host, int port, const uint8_t *bytes, int count)
{
    struct command command = {.kind = COMMAND_SEND, .leg = leg};
    if (count <= 0 || count > PACKET_MAX || leg->engine->stopped)
        return 0;
    struct letter *letter = malloc(sizeof(*letter) + (size_t)count);
    if (!letter || !address_parse(&letter->peer, host, port)) {
        free(letter);
        return 0;
    }
    letter->count = count;
    letter->control = way & PACKET_RTCP_PORT;
    letter->relayed = way & PACKET_RELAYED;
    memcpy(letter->bytes, bytes, (size_t)count);
    command.object = letter;
    engine_order(leg->engine, &command);
    return 1;
}

int rtp_detour(struct leg *leg, const char *server, int port, int channel)
{
    struct command command = {.kind = COMMAND_DETOUR, .a = channel, .leg = leg};
    if (!address_parse(&command.addresses[0], server, port))
        return 0;
    engine_order(leg->engine, &command);
    return 1;
}

int rtp_tunnel(struct leg *leg, const char *server, int port, int descriptor)
{
    union address address;
    if (leg->engine->stopped || !address_parse(&address, server, port))
        return 0;
    struct command command = {.kind = COMMAND_TUNNEL, .leg = leg, .object = tunnel_make(descriptor, &address)};
    if (!command.object)
        return 0;
    engine_order(leg->engine, &command);
    return 1;
}

int engine_trace(struct engine *engine, int kinds, const char *host, int port)
{
    struct command command = {.kind = COMMAND_TRACE, .a = kinds};
    if (host[0] && !address_parse(&command.addresses[0], host, port))
        return 0;
    engine_order(engine, &command);
    return 1;
}
