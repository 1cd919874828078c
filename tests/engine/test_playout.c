/* Rate conversion, concealment and the playout of a stream that loses, swaps
 * and delays packets. */
#include "check.h"

#include "codec.h"
#include "conceal.h"
#include "g711.h"
#include "jitter.h"
#include "resample.h"

static void rates_convert_without_loss_in_the_band(void)
{
    static const int rates[] = {8000, 12000, 16000, 24000, 32000, 44100, 48000, 96000, 192000};
    struct slab slab = {0};
    for (int a = 0; a < 9; a++)
        for (int b = 0; b < 9; b++) {
            struct resampler resampler;
            int in = rates[a], out = rates[b];
            if (in == out)
                continue;
            CHECK(resampler_init(&resampler, &slab, in, out), "%d to %d", in, out);
            CHECK(resampler_is_for(&resampler, in, out) && !resampler_is_for(&resampler, out, in));
            int16_t *sound = calloc((size_t)in, 2), *made = calloc((size_t)out, 2);
            double frequency = 3000; /* inside every band */
            make_sine(sound, in, frequency, 10000, in, 0);
            for (int tick = 0; tick < 100; tick++)
                resampler_run(&resampler, sound + tick * (in / 100), made + tick * (out / 100));
            int half = out / 2;
            double kept = amplitude_of(made + half, half, frequency, out), all = rms_of(made + half, half) * sqrt(2);
            CHECK(fabs(kept - 10000) < 60, "%d to %d Hz: amplitude %.0f", in, out, kept);
            CHECK(sqrt(fabs(all * all - kept * kept)) < 40, "%d to %d Hz: residue %.0f", in, out,
                  sqrt(fabs(all * all - kept * kept)));
            free(sound);
            free(made);
            resampler_end(&resampler, &slab);
        }
    CHECK(slab.used == 0);
    slab_end(&slab);
}

static void what_lies_above_the_band_is_removed(void)
{
    struct slab slab = {0};
    struct resampler resampler;
    int16_t sound[16000], made[8000];
    CHECK(resampler_init(&resampler, &slab, 16000, 8000));
    make_sine(sound, 16000, 5000, 10000, 16000, 0);
    for (int tick = 0; tick < 100; tick++)
        resampler_run(&resampler, sound + tick * 160, made + tick * 80);
    CHECK(rms_of(made + 4000, 4000) < 10, "%.1f", rms_of(made + 4000, 4000));
    resampler_end(&resampler, &slab);
    CHECK(!resampler_init(&resampler, &slab, 11025, 8000) || true); /* 441 to 320: allowed when a block is whole */
    resampler_end(&resampler, &slab);
    CHECK(!resampler_init(&resampler, &slab, 8000, 0));
    slab_end(&slab);
}

static void a_gap_in_a_tone_is_hardly_heard_and_then_fades(void)
{
    struct slab slab = {0};
    struct conceal conceal;
    int16_t sound[80];
    CHECK(conceal_init(&conceal, &slab, 8000));
    for (int tick = 0; tick < 10; tick++) {
        make_sine(sound, 80, 200, 8000, 8000, tick * 80);
        conceal_heard(&conceal, sound, 80);
    }
    conceal_make(&conceal, sound, 80);
    int16_t expected[80];
    make_sine(expected, 80, 200, 8000, 8000, 800);
    double error = 0;
    for (int i = 0; i < 80; i++)
        error += pow(sound[i] - expected[i], 2);
    CHECK(sqrt(error / 80) < 600, "error %.0f", sqrt(error / 80));
    double before = rms_of(sound, 80);
    for (int tick = 0; tick < 6; tick++) {
        conceal_make(&conceal, sound, 80);
        CHECK(rms_of(sound, 80) <= before + 50);
        before = rms_of(sound, 80);
    }
    CHECK(before == 0);
    conceal_end(&conceal, &slab);
    CHECK(slab.used == 0);
    slab_end(&slab);
}

/* A sender of u-law packets of 20 ms, each a ramp so that time is seen in the
 * samples. */
struct stream {
    struct slab slab;
    struct jitter jitter;
    int present, absent;
    int16_t last;
};

static int16_t sample_of(int packet)
{
    return g711_ulaw_linear[g711_to_ulaw(1000 + (packet % 20) * 500)];
}

static void put(struct stream *stream, int packet)
{
    uint8_t payload[160];
    memset(payload, g711_to_ulaw(1000 + (packet % 20) * 500), sizeof(payload));
    jitter_put(&stream->jitter, &stream->slab, codec_named("ulaw"), (uint16_t)(65500 + packet),
               (uint32_t)(packet * 160 - 400), payload, 160);
}

static bool pull(struct stream *stream)
{
    int16_t out[RESAMPLE_MAX_BLOCK];
    bool present = jitter_pull(&stream->jitter, &stream->slab, out);
    if (present) {
        stream->present++;
        stream->last = out[60];
    } else {
        stream->absent++;
    }
    return present;
}

static void begin(struct stream *stream)
{
    memset(stream, 0, sizeof(*stream));
    codec_load(codec_named("ulaw"));
    jitter_init(&stream->jitter);
}

static void end(struct stream *stream)
{
    jitter_end(&stream->jitter, &stream->slab);
    CHECK(stream->slab.used == 0, "%zu bytes kept", stream->slab.used);
    slab_end(&stream->slab);
}

static void an_even_stream_is_played_whole_after_10_ms(void)
{
    struct stream stream;
    begin(&stream);
    for (int packet = 0; packet < 100; packet++) {
        put(&stream, packet);
        pull(&stream);
        if (packet)
            CHECK(stream.last == sample_of(packet - 1), "packet %d", packet);
        pull(&stream);
        CHECK(stream.last == sample_of(packet), "packet %d", packet);
    }
    CHECK(stream.absent == 1 && stream.jitter.concealed_ms == 0 && stream.jitter.late == 0);
    end(&stream);
}

static void order_is_restored(void)
{
    struct stream stream;
    begin(&stream);
    put(&stream, 0);
    put(&stream, 1);
    for (int packet = 2; packet < 100; packet += 2) {
        pull(&stream);
        pull(&stream);
        put(&stream, packet + 1);
        put(&stream, packet);
        pull(&stream);
        pull(&stream);
    }
    CHECK(stream.jitter.concealed_ms == 0 && stream.jitter.reordered == 49 && stream.jitter.late == 0);
    end(&stream);
}

static void a_lost_packet_costs_its_own_time_and_no_more(void)
{
    struct stream stream;
    begin(&stream);
    for (int packet = 0; packet < 200; packet++) {
        if (packet % 10 != 5)
            put(&stream, packet);
        pull(&stream);
        pull(&stream);
    }
    CHECK(stream.jitter.concealed_ms == 20 * 20, "%u ms", stream.jitter.concealed_ms);
    CHECK(jitter_depth(&stream.jitter) <= 20, "%d ms deep", jitter_depth(&stream.jitter));
    CHECK(stream.last == sample_of(199));
    end(&stream);
}

static void a_late_packet_lengthens_the_delay_which_shrinks_again(void)
{
    struct stream stream;
    begin(&stream);
    int sent = 0;
    for (int tick = 0; tick < 3000; tick++) {
        bool stalled = tick >= 500 && tick < 508; /* 80 ms of nothing, then all at once */
        while (!stalled && sent * 2 <= tick)
            put(&stream, sent++);
        pull(&stream);
        if (tick == 520)
            CHECK(jitter_depth(&stream.jitter) >= 40, "%d ms", jitter_depth(&stream.jitter));
    }
    CHECK(stream.jitter.late == 0);
    CHECK(stream.jitter.concealed_ms <= 80, "%u ms", stream.jitter.concealed_ms);
    CHECK(jitter_depth(&stream.jitter) <= 40, "%d ms", jitter_depth(&stream.jitter));
    end(&stream);
}

static void a_fast_clock_and_a_slow_clock_are_followed(void)
{
    for (int way = -1; way <= 1; way += 2) { /* 500 ppm off, for ten minutes */
        struct stream stream;
        begin(&stream);
        int sent = 0, deepest = 0;
        for (int tick = 0; tick < 60000; tick++) {
            while (sent * 2.0 * (1 + way * 0.0005) <= tick)
                put(&stream, sent++);
            pull(&stream);
            if (jitter_depth(&stream.jitter) > deepest)
                deepest = jitter_depth(&stream.jitter);
        }
        CHECK(deepest <= 80, "%d ms deep", deepest);
        CHECK(stream.absent <= 2, "%d absent", stream.absent);
        CHECK(stream.jitter.concealed_ms <= 900 && stream.jitter.late == 0, "%u", stream.jitter.concealed_ms);
        end(&stream);
    }
}

static void a_pause_ends_the_sound_and_the_next_spurt_begins_afresh(void)
{
    struct stream stream;
    begin(&stream);
    for (int packet = 0; packet < 10; packet++) {
        put(&stream, packet);
        pull(&stream);
        pull(&stream);
    }
    for (int tick = 0; tick < 20; tick++)
        pull(&stream);
    CHECK(!pull(&stream));
    CHECK(stream.jitter.concealed_ms <= 60);
    /* sequence goes on, time has jumped */
    for (int packet = 0; packet < 10; packet++) {
        uint8_t payload[160] = {0};
        jitter_put(&stream.jitter, &stream.slab, codec_named("ulaw"), (uint16_t)(65510 + packet),
                   (uint32_t)(90000 + packet * 160), payload, 160);
        pull(&stream);
        CHECK(pull(&stream));
    }
    end(&stream);
}

static void comfort_noise_fills_the_pause(void)
{
    struct stream stream;
    int16_t out[RESAMPLE_MAX_BLOCK];
    begin(&stream);
    for (int packet = 0; packet < 10; packet++) {
        put(&stream, packet);
        pull(&stream);
        pull(&stream);
    }
    jitter_comfort_noise(&stream.jitter, 50);
    for (int tick = 0; tick < 50; tick++)
        CHECK(jitter_pull(&stream.jitter, &stream.slab, out));
    double level = 20 * log10(rms_of(out, 80) / 32768);
    CHECK(fabs(level + 50) < 3, "%.1f dBov", level);
    end(&stream);
}

static void opus_mends_what_is_lost(void)
{
    int number = codec_named("opus");
    if (!codec_load(number)) {
        printf("    (libopus is not installed)\n");
        return;
    }
    const struct codec *codec = codec_at(number);
    struct slab slab = {0};
    struct jitter jitter;
    bool ready;
    void *encoder = codec_state_make(codec, true, &ready);
    struct codec_settings settings = {32000, -1, -1, -1, -1, -1, 1, 20};
    codec->set(encoder, &settings);
    jitter_init(&jitter);
    int16_t sound[960], out[1920];
    double error = 0, power = 0;
    for (int packet = 0; packet < 200; packet++) {
        uint8_t bytes[1500];
        make_sine(sound, 960, 440, 8000, 48000, packet * 960);
        int count = codec->encode(codec, encoder, sound, 960, bytes);
        if (packet % 10 != 5)
            jitter_put(&jitter, &slab, number, (uint16_t)packet, (uint32_t)packet * 960, bytes, count);
        for (int tick = 0; tick < 2; tick++)
            if (jitter_pull(&jitter, &slab, out) && packet > 20) {
                double all = rms_of(out, 480) * sqrt(2), tone = amplitude_of(out, 480, 440, 48000);
                power += all * all;
                error += fabs(all * all - tone * tone);
            }
    }
    CHECK(jitter.recovered_ms >= 18 * 20, "%u ms", jitter.recovered_ms);
    CHECK(jitter.concealed_ms <= 60, "%u ms concealed", jitter.concealed_ms);
    CHECK(error / power < 0.25, "%.2f", error / power);
    codec_state_unmake(codec, true, encoder);
    jitter_end(&jitter, &slab);
    CHECK(slab.used == 0);
    slab_end(&slab);
}

static void hostile_numbers_do_no_harm(void)
{
    struct stream stream;
    begin(&stream);
    for (int i = 0; i < 200000; i++) {
        uint8_t payload[400] = {0};
        uint16_t sequence = (uint16_t)(random_number(4) ? (uint32_t)i : random_number(65536));
        uint32_t time = random_number(4) ? (uint32_t)i * 160 : random_number(0xffffffff);
        int number = 1 + (int)random_number(45);
        jitter_put(&stream.jitter, &stream.slab, number, sequence, time, payload, (int)random_number(400));
        if (random_number(3))
            pull(&stream);
        if (!random_number(1000))
            jitter_comfort_noise(&stream.jitter, (int)random_number(128));
        if (!random_number(5000))
            jitter_reset(&stream.jitter, &stream.slab);
    }
    end(&stream);
}

int main(void)
{
    for (int number = 1; codec_at(number); number++)
        codec_load(number);
    RUN(rates_convert_without_loss_in_the_band);
    RUN(what_lies_above_the_band_is_removed);
    RUN(a_gap_in_a_tone_is_hardly_heard_and_then_fades);
    RUN(an_even_stream_is_played_whole_after_10_ms);
    RUN(order_is_restored);
    RUN(a_lost_packet_costs_its_own_time_and_no_more);
    RUN(a_late_packet_lengthens_the_delay_which_shrinks_again);
    RUN(a_fast_clock_and_a_slow_clock_are_followed);
    RUN(a_pause_ends_the_sound_and_the_next_spurt_begins_afresh);
    RUN(comfort_noise_fills_the_pause);
    RUN(opus_mends_what_is_lost);
    RUN(hostile_numbers_do_no_harm);
    return check_result();
}
