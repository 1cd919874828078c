/* echo-run: one channel of the echo canceller over recorded signals. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "echo.h"

static const char USAGE[] =
    "usage: echo-run [--tail MS] [--nlp on|off] [--figures] RIN SIN OUT\n"
    "\n"
    "Takes the echo out of SIN and writes OUT. All three are raw signed 16-bit little-endian, 8000 Hz, mono:\n"
    "  RIN   the far end, as it is sent to the line\n"
    "  SIN   what comes back from the line: echo, and the near end\n"
    "  OUT   what is sent on; sample by sample the same time as SIN (no delay)\n"
    "\n"
    "  --tail MS      longest echo, 1 .. 128 ms, rounded up to 8, 16, 32, 64 or 128 (default 32)\n"
    "  --nlp on|off   non-linear processor with comfort noise (default on)\n"
    "  --figures      each second, to standard error: return loss, echo return loss enhancement, state\n"
    "\n"
    "OUT is as long as the shorter of RIN and SIN.\n";

static int fail(const char *what, const char *name)
{
    fprintf(stderr, "echo-run: %s: %s\n", name, what);
    return 1;
}

static int misused(const char *what, const char *value)
{
    fprintf(stderr, "echo-run: %s%s\n%s", what, value, USAGE);
    return 2;
}

/* A file as samples, whole; NULL with the error told. */
static int16_t *samples_of(const char *name, size_t *count)
{
    FILE *file = fopen(name, "rb");
    if (!file) {
        fail(strerror(errno), name);
        return NULL;
    }
    size_t room = 1 << 16, bytes = 0, got;
    uint8_t *raw = malloc(room);
    while (raw && (got = fread(raw + bytes, 1, room - bytes, file)) > 0)
        if ((bytes += got) == room)
            raw = realloc(raw, room *= 2);
    bool read = !ferror(file);
    fclose(file);
    const char *wrong = !raw    ? "too large for this machine's memory"
                        : !read ? "cannot be read"
                        : bytes >= 4 && !memcmp(raw, "RIFF", 4)
                            ? "is a WAV file; raw samples are wanted (sox FILE.wav -t s16 "
                              "-r 8000 -c 1 FILE.raw)"
                        : bytes % 2 ? "has an odd number of bytes: not 16-bit samples"
                                    : NULL;
    if (wrong) {
        fail(wrong, name);
        free(raw);
        return NULL;
    }
    for (size_t i = 0; i < bytes / 2; i++) {
        int16_t sample = (int16_t)(raw[2 * i] | raw[2 * i + 1] << 8);
        memcpy(raw + 2 * i, &sample, 2);
    }
    *count = bytes / 2;
    return (int16_t *)raw;
}

static void tell(const struct echo *echo, size_t second)
{
    fprintf(stderr, "%4zu s  ERL %5.1f dB  ERLE %5.1f dB  %s\n", second, echo_erl_db(echo, 0), echo_erle_db(echo, 0),
            echo_state_name(echo_state(echo, 0)));
}

static int run(const char *const names[3], unsigned tail, bool nlp, bool figures)
{
    size_t sent_count, heard_count;
    int16_t *sent = samples_of(names[0], &sent_count), *heard = sent ? samples_of(names[1], &heard_count) : NULL;
    if (!heard) {
        free(sent);
        return 1;
    }
    FILE *out = fopen(names[2], "wb");
    struct echo *echo = echo_create(1, tail);
    int status = !out ? fail(strerror(errno), names[2]) : !echo ? fail("not enough memory", "canceller") : 0;
    size_t count = sent_count < heard_count ? sent_count : heard_count;
    if (!status)
        echo_nlp(echo, 0, nlp);
    for (size_t at = 0; !status && at < count; at += ECHO_SAMPLES) {
        int16_t clean[1][ECHO_SAMPLES], sent_now[1][ECHO_SAMPLES] = {0}, heard_now[1][ECHO_SAMPLES] = {0};
        size_t some = count - at < ECHO_SAMPLES ? count - at : ECHO_SAMPLES; /* the last millisecond ends in silence */
        memcpy(sent_now, sent + at, some * sizeof *sent);
        memcpy(heard_now, heard + at, some * sizeof *heard);
        echo_process(echo, sent_now, heard_now, clean);
        uint8_t bytes[2 * ECHO_SAMPLES];
        for (int i = 0; i < ECHO_SAMPLES; i++) {
            bytes[2 * i] = (uint8_t)clean[0][i];
            bytes[2 * i + 1] = (uint8_t)(clean[0][i] >> 8);
        }
        if (fwrite(bytes, 2, some, out) != some)
            status = fail(strerror(errno), names[2]);
        if (figures && at % 8000 == 8000 - ECHO_SAMPLES)
            tell(echo, at / 8000 + 1);
    }
    if (out && fclose(out) && !status)
        status = fail(strerror(errno), names[2]);
    echo_destroy(echo);
    free(sent);
    free(heard);
    return status;
}

int main(int count, char **arguments)
{
    unsigned tail = 32;
    bool nlp = true, figures = false;
    const char *names[3];
    int named = 0;
    for (int i = 1; i < count; i++) {
        const char *argument = arguments[i], *value = i + 1 < count ? arguments[i + 1] : "";
        if (!strcmp(argument, "--help") || !strcmp(argument, "-h")) {
            fputs(USAGE, stdout);
            return 0;
        } else if (!strcmp(argument, "--tail")) {
            char *end;
            long ms = strtol(value, &end, 10);
            if (!*value || *end || ms < 1 || ms > ECHO_MAX_TAIL_MS)
                return misused("--tail wants milliseconds from 1 to 128, not: ", value);
            tail = (unsigned)ms;
            i++;
        } else if (!strcmp(argument, "--nlp")) {
            nlp = !strcmp(value, "on");
            if (!nlp && strcmp(value, "off"))
                return misused("--nlp wants on or off, not: ", value);
            i++;
        } else if (!strcmp(argument, "--figures")) {
            figures = true;
        } else if (argument[0] == '-' && argument[1]) {
            return misused("unknown option ", argument);
        } else if (named < 3) {
            names[named++] = argument;
        } else {
            return misused("one name too many: ", argument);
        }
    }
    if (named < 3)
        return misused("three files are wanted: RIN SIN OUT", "");
    return run(names, tail, nlp, figures);
}
