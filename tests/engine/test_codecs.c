/* Codecs: G.711 against spandsp's, the others by what survives a round trip. */
#include "check.h"

#include <spandsp/telephony.h>

#include <spandsp/bit_operations.h>
#include <spandsp/g711.h>

#include "codec.h"
#include "codec_opus.h"
#include "g711.h"

static void g711_equals_the_reference_in_every_value(void) {
  int wrong = 0;
  for (int code = 0; code < 256; code++) {
    wrong += g711_ulaw_linear[code] != ulaw_to_linear((uint8_t)code);
    wrong += g711_alaw_linear[code] != alaw_to_linear((uint8_t)code);
  }
  CHECK(wrong == 0, "%d codes decode otherwise", wrong);
  for (int sample = -32768; sample < 32768; sample++) {
    /* the reference rounds ties its own way: what matters is that no code is
     * farther off than the step allows */
    wrong += abs(g711_ulaw_linear[g711_to_ulaw(sample)] - sample) >
             abs(ulaw_to_linear(linear_to_ulaw(sample)) - sample);
    wrong += g711_to_alaw(sample) != linear_to_alaw(sample);
  }
  CHECK(wrong == 0, "%d values encode worse", wrong);
}

static void every_g711_code_survives_a_round_trip(void) {
  for (int code = 0; code < 256; code++) {
    if (code != 0x7f) /* negative zero becomes zero */
      CHECK(g711_to_ulaw(g711_ulaw_linear[code]) == code, "u-law %02x", code);
    CHECK(g711_to_alaw(g711_alaw_linear[code]) == code, "A-law %02x", code);
  }
}

/* Encode and decode a second of a 1 kHz tone; amplitude that comes back, as a
 * share. */
static double round_trip(int number) {
  const struct codec *codec = codec_at(number);
  int rate = (int)codec->rate, n = codec->frame_samples;
  bool encodes, decodes;
  void *encoder = codec_state_make(codec, true, &encodes),
       *decoder = codec_state_make(codec, false, &decodes);
  int16_t *in = calloc((size_t)rate + (size_t)n, sizeof(int16_t)),
          *out = calloc((size_t)rate + CODEC_MAX_FRAME, 2);
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
  double share =
      amplitude_of(out + got / 2, got / 2 / 100 * 100, 1000, rate) / 8000;
  codec_state_unmake(codec, true, encoder);
  codec_state_unmake(codec, false, decoder);
  free(in);
  free(out);
  return share;
}

static void a_tone_survives_each_codec(void) {
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

static void names_find_their_codec(void) {
  CHECK(codec_named("ulaw") && codec_named("slin192") && codec_named("h264"));
  CHECK(!codec_named("none") && !codec_named(""));
  CHECK(codec_at(0) == NULL && codec_at(1000) == NULL);
  CHECK(!codec_load(codec_named("g723")));
  CHECK(codec_samples(codec_named("g729"), (const uint8_t *)"", 20) == 160);
  CHECK(codec_samples(codec_named("g722"), (const uint8_t *)"", 160) == 320);
}

static void opus_packets_tell_their_length(void) {
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
    CHECK(codec_opus_samples(cases[i].packet, cases[i].bytes) ==
              cases[i].samples,
          "case %zu", i);
}

int main(void) {
  for (int number = 1; codec_at(number); number++)
    codec_load(number);
  RUN(g711_equals_the_reference_in_every_value);
  RUN(every_g711_code_survives_a_round_trip);
  RUN(a_tone_survives_each_codec);
  RUN(names_find_their_codec);
  RUN(opus_packets_tell_their_length);
  return check_result();
}
