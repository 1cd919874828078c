/* Codecs: G.711 against spandsp's, the others by what survives a round trip. */
#include "check.h"

#include <spandsp/telephony.h>

#include <spandsp/bit_operations.h>
#include <spandsp/bitstream.h>
#include <spandsp/g711.h>
#include <spandsp/g722.h>
#include <spandsp/g726.h>
#include <spandsp/oki_adpcm.h>

#include "codec.h"
#include "codec_adpcm.h"
#include "codec_g722.h"
#include "codec_g726.h"
#include "codec_opus.h"
#include "g711.h"

static void g711_equals_the_reference_in_every_value(void)
{
    int wrong = 0;
    for (int code = 0; code < 256; code++) {
        wrong += g711_ulaw_linear[code] != ulaw_to_linear((uint8_t)code);
        wrong += g711_alaw_linear[code] != alaw_to_linear((uint8_t)code);
    }
    CHECK(wrong == 0, "%d codes decode otherwise", wrong);
    for (int sample = -32768; sample < 32768; sample++) {
        /* the reference rounds ties its own way: what matters is that no code is
         * farther off than the step allows */
        wrong +=
            abs(g711_ulaw_linear[g711_to_ulaw(sample)] - sample) > abs(ulaw_to_linear(linear_to_ulaw(sample)) - sample);
        wrong += g711_to_alaw(sample) != linear_to_alaw(sample);
    }
    CHECK(wrong == 0, "%d values encode worse", wrong);
}

static void every_g711_code_survives_a_round_trip(void)
{
    for (int code = 0; code < 256; code++) {
        if (code != 0x7f) /* negative zero becomes zero */
            CHECK(g711_to_ulaw(g711_ulaw_linear[code]) == code, "u-law %02x", code);
        CHECK(g711_to_alaw(g711_alaw_linear[code]) == code, "A-law %02x", code);
    }
}

/* Sounds that go to the ends of what a codec adapts to, `kind` by kind. */
enum { KINDS = 6, LENGTH = 32000 };

static void make_sound(int16_t *out, int kind)
{
    double phase = 0;
    for (int i = 0; i < LENGTH; i++) {
        double at = i / 8000.0, value = 0;
        switch (kind) {
        case 0: /* a glide */
            phase += 2 * M_PI * (100 + 900 * at) / 8000;
            value = 20000 * sin(phase);
            break;
        case 1: /* noise of all levels */
            value = ((int)random_number(65536) - 32768) * pow(10, -fmod(at * 2, 4));
            break;
        case 2: /* as loud as can be, from one side to the other */
            value = random_number(20) ? (i / 37 % 2 ? 32767 : -32768) : 0;
            break;
        case 3: /* data signals and silence, where G.726 changes its mind */
            value = i / 1500 % 3 ? 12000 * sin(2 * M_PI * (i / 1500 % 2 ? 1200 : 2400) * at) : 0;
            break;
        case 4: /* almost nothing */
            value = (int)random_number(9) - 4;
            break;
        default:
            value = 9000 * sin(2 * M_PI * 180 * at) * sin(2 * M_PI * 3 * at) + 2500 * sin(2 * M_PI * 1930 * at);
        }
        out[i] = (int16_t)(value > 32767 ? 32767 : value < -32768 ? -32768 : value);
    }
}

static int16_t sound[LENGTH], ours[2 * LENGTH], theirs[2 * LENGTH];
static uint8_t our_code[LENGTH], their_code[LENGTH];

/* Our encoder and decoder over the sound in parts of uneven length, codes and
 * samples into our_code and ours. Returns the bytes. */
static int run_ours(const struct codec *codec, const uint8_t *decoded)
{
    bool ready;
    void *encoder = codec_state_make(codec, true, &ready), *decoder = codec_state_make(codec, false, &ready);
    int bytes = 0, samples = 0, n = codec->frame_samples;
    for (int at = 0, parts = 1; at < LENGTH; at += parts * n, parts = parts % 3 + 1) {
        if (parts * n > LENGTH - at)
            parts = (LENGTH - at) / n;
        bytes += codec->encode(codec, encoder, sound + at, parts * n, our_code + bytes);
    }
    for (int at = 0; at < bytes; at += codec->frame_bytes)
        samples += codec->decode(codec, decoder, decoded + at, codec->frame_bytes, ours + samples);
    CHECK(samples == LENGTH, "%s: %d samples", codec->name, samples);
    codec_state_unmake(codec, true, encoder);
    codec_state_unmake(codec, false, decoder);
    return bytes;
}

/* Samples that differ, but for those the reference lets go round where ours
 * stay at the end of their range. */
static int differences(void)
{
    int count = 0;
    for (int i = 0; i < LENGTH; i++)
        count += ours[i] != theirs[i] && ours[i] < 32764 && ours[i] > -32768;
    return count;
}

static void g722_is_the_references_to_the_bit(void)
{
    for (int kind = 0; kind < KINDS; kind++) {
        make_sound(sound, kind);
        g722_encode_state_t *encoder = g722_encode_init(NULL, 64000, 0);
        g722_decode_state_t *decoder = g722_decode_init(NULL, 64000, 0);
        int bytes = g722_encode(encoder, their_code, sound, LENGTH);
        g722_decode(decoder, theirs, their_code, bytes);
        CHECK(run_ours(&codec_g722, their_code) == bytes);
        CHECK(!memcmp(our_code, their_code, (size_t)bytes), "kind %d: codes", kind);
        CHECK(!differences(), "kind %d: samples", kind);
        for (int i = 0; i < bytes; i++) /* any code at any time */
            their_code[i] = (uint8_t)random_number(256);
        g722_decode_init(decoder, 64000, 0);
        g722_decode(decoder, theirs, their_code, bytes);
        run_ours(&codec_g722, their_code);
        CHECK(!differences(), "kind %d: noise", kind);
        g722_encode_free(encoder);
        g722_decode_free(decoder);
    }
}

static void g726_is_the_references_to_the_bit(void)
{
    static const struct codec *const codecs[] = {&codec_g726_16, &codec_g726_24, &codec_g726, &codec_g726aal2,
                                                 &codec_g726_40};
    for (int i = 0; i < 5 * KINDS; i++) {
        const struct codec *codec = codecs[i / KINDS];
        int rate = codec->frame_bytes * 800,
            packing = codec == &codec_g726aal2 ? G726_PACKING_LEFT : G726_PACKING_RIGHT;
        make_sound(sound, i % KINDS);
        g726_state_t *state = g726_init(NULL, rate, G726_ENCODING_LINEAR, packing);
        int bytes = g726_encode(state, their_code, sound, LENGTH);
        g726_init(state, rate, G726_ENCODING_LINEAR, packing);
        g726_decode(state, theirs, their_code, bytes);
        CHECK(run_ours(codec, their_code) == bytes, "%s", codec->name);
        CHECK(!memcmp(our_code, their_code, (size_t)bytes), "%s, kind %d: codes", codec->name, i % KINDS);
        CHECK(!differences(), "%s, kind %d: samples", codec->name, i % KINDS);
        for (int k = 0; k < bytes; k++)
            their_code[k] = (uint8_t)random_number(256);
        g726_init(state, rate, G726_ENCODING_LINEAR, packing);
        g726_decode(state, theirs, their_code, bytes);
        run_ours(codec, their_code);
        CHECK(!differences(), "%s, kind %d: noise", codec->name, i % KINDS);
        g726_free(state);
    }
}

static void adpcm_is_the_references_to_the_bit(void)
{
    for (int kind = 0; kind < KINDS; kind++) {
        make_sound(sound, kind);
        oki_adpcm_state_t *state = oki_adpcm_init(NULL, 32000);
        int bytes = oki_adpcm_encode(state, their_code, sound, LENGTH);
        oki_adpcm_init(state, 32000);
        oki_adpcm_decode(state, theirs, their_code, bytes);
        CHECK(run_ours(&codec_adpcm, their_code) == bytes);
        CHECK(!memcmp(our_code, their_code, (size_t)bytes), "kind %d: codes", kind);
        CHECK(!memcmp(ours, theirs, sizeof(int16_t) * LENGTH), "kind %d: samples", kind);
        oki_adpcm_free(state);
    }
}

/* At 8 kHz, in parts of uneven length. */
static void g722_of_8_khz_is_the_references_to_the_bit(void)
{
    for (int kind = 0; kind < KINDS; kind++) {
        make_sound(sound, kind);
        g722_encode_state_t *encoder = g722_encode_init(NULL, 64000, G722_SAMPLE_RATE_8000);
        g722_decode_state_t *decoder = g722_decode_init(NULL, 64000, G722_SAMPLE_RATE_8000);
        int bytes = g722_encode(encoder, their_code, sound, LENGTH);
        CHECK(bytes == LENGTH);
        for (int noise = 0; noise < 2; noise++) {
            g722_decode_init(decoder, 64000, G722_SAMPLE_RATE_8000);
            g722_decode(decoder, theirs, their_code, bytes);
            struct codec half = codec_g722;
            half.encode = codec_g722.encode_half;
            half.decode = codec_g722.decode_half;
            half.frame_samples = half.frame_bytes = 80;
            CHECK(run_ours(&half, their_code) == bytes);
            if (!noise)
                CHECK(!memcmp(our_code, their_code, (size_t)bytes), "kind %d", kind);
            CHECK(!differences(), "kind %d: samples", kind);
            for (int i = 0; i < bytes; i++) /* any code at any time */
                their_code[i] = (uint8_t)random_number(256);
        }
        g722_encode_free(encoder);
        g722_decode_free(decoder);
    }
}

/* One state does for both rates: a stream whose ends change their minds on the
 * way goes on; but for the delay of the wide one's filters, which comes and
 * goes, a sine stays one. */
static void g722_changes_its_rate_while_it_runs(void)
{
    enum { PART = 160, RATE = 16000, TICKS = 100 };
    bool ready;
    void *encoder = codec_state_make(&codec_g722, true, &ready),
         *decoder = codec_state_make(&codec_g722, false, &ready);
    int16_t in[PART], out[PART];
    uint8_t code[PART / 2];
    double phase = 0, step = 2 * M_PI * 500 / RATE, largest = 0;
    int loudest = 0;
    int before = 0, before_that = 0;
    for (int tick = 0; tick < TICKS; tick++) {
        int coarse = tick / 10 % 2, rough = tick / 15 % 2;
        int n = coarse ? PART / 2 : PART;
        for (int i = 0; i < n; i++, phase += coarse ? 2 * step : step)
            in[i] = (int16_t)(8000 * sin(phase));
        (coarse ? codec_g722.encode_half : codec_g722.encode)(&codec_g722, encoder, in, n, code);
        int got = (rough ? codec_g722.decode_half : codec_g722.decode)(&codec_g722, decoder, code, PART / 2, out);
        CHECK(got == (rough ? PART / 2 : PART));
        for (int i = 0; i < got; i += rough ? 1 : 2) {
            double bend = abs(out[i] - 2 * before + before_that);
            if (tick % 10 > 1 && tick % 15 > 1 && bend > largest)
                largest = bend;
            if (abs(out[i]) > loudest)
                loudest = abs(out[i]);
            before_that = before;
            before = out[i];
        }
    }
    /* between samples of 8 kHz it bends by 8000 * (2 - 2 * cos(2 pi / 16)) */
    CHECK(largest < 2000, "it bends by %.0f", largest);
    CHECK(loudest > 7000 && loudest < 10000, "as loud as %d", loudest);
    codec_state_unmake(&codec_g722, true, encoder);
    codec_state_unmake(&codec_g722, false, decoder);
}

static void one_law_becomes_the_other(void)
{
    codec_load(codec_named("ulaw"));
    for (int code = 0; code < 256; code++) {
        CHECK(g711_ulaw_to_alaw[code] == g711_to_alaw(g711_ulaw_linear[code]));
        CHECK(g711_alaw_to_ulaw[code] == g711_to_ulaw(g711_alaw_linear[code]));
    }
    int ulaw = codec_named("ulaw"), alaw = codec_named("alaw");
    CHECK(codec_exchange(ulaw, alaw) == g711_ulaw_to_alaw);
    CHECK(codec_exchange(alaw, ulaw) == g711_alaw_to_ulaw);
    CHECK(!codec_exchange(ulaw, ulaw) && !codec_exchange(ulaw, codec_named("gsm")) && !codec_exchange(0, ulaw));
}

/* Encode and decode a second of a 1 kHz tone; amplitude that comes back, as a
 * share. */
static double round_trip(int number)
{
    const struct codec *codec = codec_at(number);
    int rate = (int)codec->rate, n = codec->frame_samples;
    bool encodes, decodes;
    void *encoder = codec_state_make(codec, true, &encodes), *decoder = codec_state_make(codec, false, &decodes);
    int16_t *in = calloc((size_t)rate + (size_t)n, sizeof(int16_t)), *out = calloc((size_t)rate + CODEC_MAX_FRAME, 2);
    CHECK(encodes && decodes, "%s", codec->name);
    make_sine(in, rate, 1000, 8000, rate, 0);
    int got = 0;
    for (int at = 0; at + n <= rate && got + n <= rate; at += n) {
        uint8_t packet[4000];
        int bytes = codec->encode(codec, encoder, in + at, n, packet);
        if (codec->frame_bytes)
            CHECK(bytes == codec->frame_bytes, "%s: %d bytes", codec->name, bytes);
        CHECK(codec_samples(number, packet, bytes) == n, "%s", codec->name);
        got += codec->decode(codec, decoder, packet, bytes, out + got);
    }
    double share = amplitude_of(out + got / 2, got / 2 / 100 * 100, 1000, rate) / 8000;
    codec_state_unmake(codec, true, encoder);
    codec_state_unmake(codec, false, decoder);
    free(in);
    free(out);
    return share;
}

static void a_tone_survives_each_codec(void)
{
    int tried = 0;
    for (int number = 1; codec_at(number); number++) {
        const char *name = codec_at(number)->name;
        if (!codec_load(number) || !strcmp(name, "lpc10") ||
            !strcmp(name, "codec2")) /* vocoders: a tone is not speech */
            continue;
        double share = round_trip(number);
        CHECK(share > 0.7 && share < 1.3, "%s: amplitude %.2f", name, share);
        tried++;
    }
    CHECK(tried >= 19, "only %d codecs", tried);
}

static void names_find_their_codec(void)
{
    CHECK(codec_named("ulaw") && codec_named("slin192") && codec_named("h264"));
    CHECK(!codec_named("none") && !codec_named(""));
    CHECK(codec_at(0) == NULL && codec_at(1000) == NULL);
    CHECK(!codec_load(codec_named("g723")));
    CHECK(codec_samples(codec_named("g729"), (const uint8_t *)"", 20) == 160);
    CHECK(codec_samples(codec_named("g722"), (const uint8_t *)"", 160) == 320);
}

static void opus_packets_tell_their_length(void)
{
    static const struct {
        uint8_t packet[2];
        int bytes, samples;
    } cases[] = {
        {{0x08, 0}, 2, 960},  /* SILK 20 ms */
        {{0x18, 0}, 2, 2880}, /* SILK 60 ms */
        {{0x60, 0}, 2, 480},  /* hybrid 10 ms */
        {{0x80, 0}, 2, 120},  /* CELT 2.5 ms */
        {{0xf8, 0}, 2, 960},  /* CELT 20 ms */
        {{0xf9, 0}, 2, 1920}, /* two frames */
        {{0xfb, 3}, 2, 2880}, /* three, counted */
        {{0x1b, 0x3f}, 2, 0}, /* longer than 120 ms: not valid */
        {{0xfb, 0}, 1, 0},    /* cut off */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CHECK(codec_opus_samples(cases[i].packet, cases[i].bytes) == cases[i].samples, "case %zu", i);
}

int main(void)
{
    for (int number = 1; codec_at(number); number++)
        codec_load(number);
    RUN(g711_equals_the_reference_in_every_value);
    RUN(every_g711_code_survives_a_round_trip);
    RUN(g722_is_the_references_to_the_bit);
    RUN(g722_of_8_khz_is_the_references_to_the_bit);
    RUN(g722_changes_its_rate_while_it_runs);
    RUN(g726_is_the_references_to_the_bit);
    RUN(adpcm_is_the_references_to_the_bit);
    RUN(one_law_becomes_the_other);
    RUN(a_tone_survives_each_codec);
    RUN(names_find_their_codec);
    RUN(opus_packets_tell_their_length);
    return check_result();
}
