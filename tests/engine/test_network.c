/* A stream through networks that lose, delay, swap and repeat packets, and from
 * senders whose clocks differ: how much of what was said is heard, how late,
 * and whether it clicks. The figures are printed; limits are checked. */
#include "check.h"

#include "codec.h"
#include "g711.h"
#include "jitter.h"

enum { PACKET = 160, SECONDS = 24, PACKETS = SECONDS * 50, SAMPLES = PACKETS * PACKET, TICKS = SECONDS * 100 };

struct network {
    const char *what;
    double loss;      /* share */
    int burst;        /* packets lost together */
    double jitter_ms; /* mean of an exponential distribution */
    double spike_ms;  /* every three seconds all waits so long */
    double swap;      /* share that is overtaken by the next */
    double repeat;    /* share that comes twice */
    double drift_ppm; /* sender's clock against ours */
    struct playout playout;
    /* limits */
    double least_match;
    int most_delay_ms, most_clicks;
};

struct result {
    double match, delay_ms, most_delay_ms;
    int clicks;
    uint32_t concealed_ms, cut_ms;
};

static int16_t said[SAMPLES], heard[TICKS * 80];

/* Vowels that glide: smooth, so that what is not smooth in the end came of the
 * network. */
static void speak(void)
{
    double phase[3] = {0, 0, 0};
    for (int i = 0; i < SAMPLES; i++) {
        double at = i / 8000.0, pitch = 120 + 25 * sin(at * 2.1);
        double formants[3] = {pitch * 2, pitch * (4 + sin(at * 1.3)), pitch * 7};
        double loud = 0.6 + 0.4 * sin(at * 5.0), sum = 0;
        for (int k = 0; k < 3; k++) {
            phase[k] += 2 * M_PI * formants[k] / 8000;
            sum += sin(phase[k]) / (1 + k);
        }
        said[i] = (int16_t)(4000 * loud * sum);
    }
}

static double uniform(void)
{
    return (random_number(1 << 24) + 0.5) / (1 << 24);
}

struct arrival {
    double at_ms;
    int packet;
};

static int earlier(const void *a, const void *b)
{
    double x = ((const struct arrival *)a)->at_ms, y = ((const struct arrival *)b)->at_ms;
    return x < y ? -1 : x > y;
}

static int arrivals_of(const struct network *network, struct arrival *arrivals)
{
    int count = 0, losing = 0;
    for (int packet = 0; packet < PACKETS; packet++) {
        double sent = (packet + 1) * 20 * (1 - network->drift_ppm * 1e-6);
        double delay = 5 - log(uniform()) * network->jitter_ms;
        if (delay > 5 + 6 * network->jitter_ms)
            delay = 5 + 6 * network->jitter_ms;
        double into = fmod(sent, 3000);
        if (network->spike_ms > 0 && into < network->spike_ms)
            delay += network->spike_ms - into;
        if (uniform() < network->swap)
            delay += 22;
        if (!losing && uniform() < network->loss / network->burst)
            losing = network->burst;
        if (losing) {
            losing--;
            continue;
        }
        arrivals[count++] = (struct arrival){sent + delay, packet};
        if (uniform() < network->repeat)
            arrivals[count++] = (struct arrival){sent + delay + 1, packet};
    }
    qsort(arrivals, (size_t)count, sizeof(*arrivals), earlier);
    return count;
}

/* Steps from sample to sample that what was said never has. */
static int count_clicks(int n)
{
    int steepest = 0, clicks = 0, quiet = 0;
    for (int i = 1; i < SAMPLES; i++) {
        int step = abs(said[i] - said[i - 1]);
        steepest = step > steepest ? step : steepest;
    }
    for (int i = 1; i < n; i++, quiet--)
        if (abs(heard[i] - heard[i - 1]) > steepest * 5 / 4 && quiet <= 0) {
            clicks++;
            quiet = 80;
        }
    return clicks;
}

/* For every second heard: where it was said, and how much like it. */
static void compare(struct result *result, int n, double drift_ppm)
{
    enum { PART = 400, EVERY = 8000 };
    double total = 0, delays = 0;
    int parts = 0;
    for (int at = 16000; at + PART <= n; at += EVERY) {
        double best = -1, power = 1;
        int lag = 0;
        for (int i = 0; i < PART; i += 2)
            power += (double)heard[at + i] * heard[at + i];
        for (int back = 0; back < 5600; back += 1) {
            int from = (int)(at * (1 + drift_ppm * 1e-6)) - back;
            if (from < 0 || from + PART > SAMPLES)
                continue;
            double product = 0, other = 1;
            for (int i = 0; i < PART; i += 2) {
                product += (double)heard[at + i] * said[from + i];
                other += (double)said[from + i] * said[from + i];
            }
            double match = product / sqrt(power * other);
            if (match > best) {
                best = match;
                lag = back;
            }
        }
        total += best > 0 ? best : 0;
        if (best > 0.9) {
            delays += lag / 8.0;
            if (lag / 8.0 > result->most_delay_ms)
                result->most_delay_ms = lag / 8.0;
        }
        parts++;
    }
    result->match = total / parts;
    result->delay_ms = delays / parts;
}

static struct result listen(const struct network *network)
{
    static struct arrival arrivals[2 * PACKETS];
    struct slab slab = {0};
    struct jitter jitter;
    struct result result = {0, 0, 0, 0, 0, 0};
    int count = arrivals_of(network, arrivals), next = 0;
    jitter_init(&jitter);
    jitter.playout = network->playout;
    for (int tick = 0; tick < TICKS; tick++) {
        for (; next < count && arrivals[next].at_ms <= tick * 10; next++) {
            uint8_t payload[PACKET];
            int packet = arrivals[next].packet;
            for (int i = 0; i < PACKET; i++)
                payload[i] = g711_to_ulaw(said[packet * PACKET + i]);
            jitter_put(&jitter, &slab, codec_named("ulaw"), (uint16_t)packet, (uint32_t)packet * PACKET, payload,
                       PACKET);
        }
        if (!jitter_pull(&jitter, &slab, heard + tick * 80))
            memset(heard + tick * 80, 0, 80 * sizeof(int16_t));
    }
    result.concealed_ms = jitter.concealed_ms;
    result.cut_ms = jitter.cut_ms;
    jitter_end(&jitter, &slab);
    CHECK(slab.used == 0);
    slab_end(&slab);
    result.clicks = count_clicks(TICKS * 80);
    compare(&result, TICKS * 80, network->drift_ppm);
    return result;
}

static void what_is_heard_through_networks(void)
{
    static const struct playout fixed = {PLAYOUT_FIXED, 60};
    static const struct network networks[] = {
        {"nothing wrong", 0, 1, 0, 0, 0, 0, 0, {0}, 0.995, 45, 0},
        {"1 % lost", .01, 1, 0, 0, 0, 0, 0, {0}, 0.98, 65, 1},
        {"5 % lost", .05, 1, 0, 0, 0, 0, 0, {0}, 0.95, 65, 2},
        {"5 % lost in threes", .05, 3, 0, 0, 0, 0, 0, {0}, 0.93, 105, 2},
        {"jitter 5 ms", 0, 1, 5, 0, 0, 0, 0, {0}, 0.98, 90, 0},
        {"jitter 20 ms", 0, 1, 20, 0, 0, 0, 0, {0}, 0.95, 230, 0},
        {"stalls of 150 ms", 0, 1, 2, 150, 0, 0, 0, {0}, 0.93, 260, 0},
        {"2 % overtaken", 0, 1, 0, 0, .02, 0, 0, {0}, 0.98, 90, 0},
        {"10 % twice", 0, 1, 0, 0, 0, .1, 0, {0}, 0.995, 45, 0},
        {"clock +200 ppm", 0, 1, 1, 0, 0, 0, 200, {0}, 0.98, 80, 0},
        {"clock -200 ppm", 0, 1, 1, 0, 0, 0, -200, {0}, 0.98, 80, 0},
        {"all of it", .02, 2, 8, 0, .01, .02, 100, {0}, 0.92, 160, 2},
        {"jitter 5 ms, fixed 60 ms", 0, 1, 5, 0, 0, 0, 0, fixed, 0.985, 90, 0},
        {"2 % lost, fixed 60 ms", .02, 1, 2, 0, 0, 0, 0, fixed, 0.96, 95, 2},
    };
    speak();
    for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
        const struct network *network = &networks[i];
        struct result result = listen(network);
        printf("    %-26s match %.4f  delay %3.0f ms, at most %3.0f  clicks %2d  "
               "concealed %4u ms  cut %3u ms\n",
               network->what, result.match, result.delay_ms, result.most_delay_ms, result.clicks, result.concealed_ms,
               result.cut_ms);
        CHECK(result.match >= network->least_match, "%s: %.4f", network->what, result.match);
        CHECK(result.most_delay_ms <= network->most_delay_ms, "%s: %.0f ms", network->what, result.most_delay_ms);
        CHECK(result.clicks <= network->most_clicks, "%s: %d clicks", network->what, result.clicks);
    }
}

int main(void)
{
    for (int number = 1; codec_at(number); number++)
        codec_load(number);
    RUN(what_is_heard_through_networks);
    return check_result();
}
