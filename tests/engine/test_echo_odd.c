/* The echo canceller on signals and lines that it was not made for: what is passed on is never louder than what came,
 * whoever speaks, and a near voice is not harmed. */
#include "echo_line.h"

enum { COUNT = 10 * RATE, TALK_FROM = 5 * RATE, TALK_TO = 8 * RATE, PART = RATE / 10 };

static int16_t near_end[MOST];

static void make_music(int16_t *to)
{
    static const double chord[3][3] = {{220, 277.2, 329.6}, {246.9, 311.1, 370}, {164.8, 207.7, 246.9}};
    for (int i = 0; i < COUNT; i++) {
        double at = (double)i / RATE, sum = 0;
        for (int k = 0; k < 9; k++)
            sum += sin(2 * M_PI * chord[i / (RATE / 2) % 3][k % 3] * (1 + k / 3) * at) / (1 + k / 3);
        to[i] = (int16_t)lrint(1500 * exp(-2 * fmod(at, 0.5)) * sum);
    }
}

static void make_digits(int16_t *to)
{
    static const double low[] = {697, 770, 852, 941}, high[] = {1209, 1336, 1477, 1633};
    for (int i = 0; i < COUNT; i++) {
        int number = i / (RATE / 5);
        double at = 2 * M_PI * i / RATE, sum = sin(low[number % 4] * at) + sin(high[number / 4 % 4] * at);
        to[i] = (int16_t)(i % (RATE / 5) < RATE / 10 ? lrint(4000 * sum) : 0);
    }
}

static void make_modem(int16_t *to, bool reversals)
{
    for (int i = 0; i < COUNT; i++) {
        int turn = reversals && i / (RATE * 45 / 100) % 2 ? -1 : 1;
        to[i] = (int16_t)(i < 4 * RATE ? turn * lrint(5000 * sin(2 * M_PI * 2100 * i / RATE)) : 0);
    }
    make_speech(to, 4 * RATE, COUNT - 4 * RATE, 3000, 1, 0);
}

/* How each scene differs from a voice on a plain line. */
struct scene {
    const char *what;
    enum { VOICE, MUSIC, DIGITS, MODEM, MODEM_TURNING, NOISE } far;
    double far_rms, near_rms, clip, soft;
    int offset, echo_later, path_changes, until; /* samples; at which sample, 0: never */
    bool from_the_start;                         /* the near voice is there all along */
};

static const struct scene scenes[] = {
    {.what = "a voice", .far_rms = 3000, .near_rms = 2500},
    {.what = "both from the first sample on", .far_rms = 3000, .near_rms = 2500, .from_the_start = true},
    {.what = "music", .far = MUSIC, .near_rms = 2500},
    {.what = "digits", .far = DIGITS, .near_rms = 2500},
    {.what = "2100 Hz, then a voice", .far = MODEM, .near_rms = 2500},
    {.what = "2100 Hz with reversals, then a voice", .far = MODEM_TURNING, .near_rms = 2500},
    {.what = "loud noise", .far = NOISE, .far_rms = 8000, .near_rms = 4000},
    {.what = "a far end at -40 dBm0", .far_rms = 160, .near_rms = 2500},
    {.what = "a line that clips", .far_rms = 6000, .near_rms = 6000, .clip = 4000},
    {.what = "a hybrid that saturates", .far_rms = 5000, .near_rms = 2500, .soft = 1500},
    {.what = "a constant offset", .far_rms = 3000, .near_rms = 2500, .offset = 1000},
    {.what = "an echo beyond the tail", .far_rms = 3000, .near_rms = 2500, .echo_later = 1600},
    {.what = "a bulk delay", .far_rms = 3000, .near_rms = 2500, .echo_later = 160},
    {.what = "both end at once",
     .far_rms = 6000,
     .near_rms = 6000,
     .clip = 4000,
     .until = TALK_TO - 100,
     .from_the_start = true},
    {.what = "another path in double talk", .far_rms = 3000, .near_rms = 2500, .path_changes = 6 * RATE + RATE / 2},
};

static void make_scene(const struct scene *scene)
{
    clear();
    memset(near_end, 0, sizeof near_end);
    switch (scene->far) {
    case MUSIC:
        make_music(sent);
        break;
    case DIGITS:
        make_digits(sent);
        break;
    case MODEM:
    case MODEM_TURNING:
        make_modem(sent, scene->far == MODEM_TURNING);
        break;
    default:
        make_speech(sent, 0, COUNT, scene->far_rms, scene->far == VOICE, 0);
    }
    for (int i = 0; i < COUNT; i++)
        sent[i] = (int16_t)(sent[i] + scene->offset);
    if (scene->until)
        memset(sent + scene->until, 0, (size_t)(COUNT - scene->until) * sizeof *sent);
    int change = scene->path_changes ? scene->path_changes : COUNT;
    struct hybrid one = {.delay = 40 + scene->echo_later, .gain = 0.35, .decay = 0.7};
    add_echo(0, change, one);
    add_echo(change, COUNT - change, OTHER);
    int from = scene->from_the_start ? 0 : TALK_FROM;
    make_speech(near_end, from, TALK_TO - from, scene->near_rms, 1, 700);
    for (int i = 0; i < COUNT; i++) {
        double echo = scene->soft > 0 ? scene->soft * tanh(heard[i] / scene->soft) : heard[i];
        double sum = echo + near_end[i] - scene->offset / 4;
        double most = scene->clip > 0 ? scene->clip : 32767;
        heard[i] = (int16_t)lrint(fmax(-most, fmin(most, sum)));
    }
    if (!scene->offset)
        pass_companded(COUNT);
}

/* What is left of the near voice in a part, as a share: its projection on what is passed on. */
static double share_of_near(int at)
{
    double both = 0, own = 0;
    for (int i = at; i < at + PART; i++) {
        both += (double)near_end[i] * out[i];
        own += (double)near_end[i] * near_end[i];
    }
    return both / own;
}

static void it_is_never_louder_and_does_no_harm(void)
{
    for (size_t number = 0; number < sizeof scenes / sizeof *scenes; number++)
        for (int nlp = 0; nlp < 2; nlp++) {
            const struct scene *scene = &scenes[number];
            make_scene(scene);
            struct echo *echo = echo_create(1, 32);
            echo_nlp(echo, 0, nlp);
            run_from(echo, 0, COUNT);
            double loudest = -99;
            int parts = 0, harmed = 0;
            for (int at = 0; at + PART <= COUNT; at += PART / 2) {
                double came = rms_of(heard + at, PART), left = rms_of(out + at, PART),
                       near = rms_of(near_end + at, PART);
                if (left > 30) /* -57 dBm0 */
                    loudest = fmax(loudest, 20 * log10(left / (came + 1)));
                if (near > 300 && near > came / 2 && !(scene->clip > 0)) {
                    parts++;
                    harmed += share_of_near(at) < 0.5;
                }
            }
            CHECK(loudest < 3, "%s, NLP %d: %.1f dB louder", scene->what, nlp, loudest);
            CHECK(harmed * 20 <= parts, "%s, NLP %d: harmed in %d of %d parts", scene->what, nlp, harmed, parts);
            echo_destroy(echo);
        }
}

int main(void)
{
    RUN(it_is_never_louder_and_does_no_harm);
    return check_result();
}
