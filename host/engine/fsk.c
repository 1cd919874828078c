#include "fsk.h"

#include <math.h>
#include <string.h>

#include "tone.h"

enum { TRAILING_MARK = 10, FRAME = 10, MARK = 0, SPACE = 1 };

static const float frequencies[][2] = {[FSK_BELL_202] = {1200, 2200}, [FSK_V_23] = {1300, 2100}};

/* Sending */

void fsk_send_start(struct fsk_sender *sender, enum fsk_standard standard, const uint8_t *octets, int count,
                    int seizure_bits, int mark_bits, int level)
{
    tone_prepare();
    *sender = (struct fsk_sender){.octets = octets,
                                  .count = count,
                                  .seizure = seizure_bits,
                                  .mark = mark_bits,
                                  .level = level,
                                  .standard = standard};
}

/* MARK or SPACE; -1 after the last bit. */
static int bit_at(const struct fsk_sender *sender, int bit)
{
    if (bit < sender->seizure)
        return bit % 2 ? MARK : SPACE;
    bit -= sender->seizure;
    if (bit < sender->mark)
        return MARK;
    bit -= sender->mark;
    if (bit >= sender->count * FRAME)
        return bit < sender->count * FRAME + TRAILING_MARK ? MARK : -1;
    int place = bit % FRAME;
    if (place == 0)
        return SPACE;
    return place == FRAME - 1 || sender->octets[bit / FRAME] >> (place - 1) & 1 ? MARK : SPACE;
}

static void set_rate(struct fsk_sender *sender, int rate)
{
    sender->rate = rate;
    sender->baud_step = tone_step(FSK_BAUD, rate);
    for (int i = 0; i < 2; i++)
        sender->steps[i] = tone_step(frequencies[sender->standard][i], rate);
}

bool fsk_send(struct fsk_sender *sender, int16_t *out, int n, int rate)
{
    int made = 0, bit = bit_at(sender, sender->bit);
    if (sender->rate != rate)
        set_rate(sender, rate);
    for (; made < n && bit >= 0; made++) {
        out[made] = (int16_t)(tone_sine(sender->phase) * sender->level >> 15);
        sender->phase += sender->steps[bit];
        uint32_t part = sender->part + sender->baud_step;
        if (part < sender->part)
            bit = bit_at(sender, ++sender->bit);
        sender->part = part;
    }
    memset(out + made, 0, (size_t)(n - made) * sizeof(*out));
    return made > 0;
}

/* Receiving: the middle of the band is turned down to zero, what is left beside it filtered away, and the sense in
 * which the rest turns is the bit. That does not care how the line favours one frequency. */

static const double MIDDLE = 1700, HALF_BAND = 950;
static const float FLOOR = 3e3f; /* mean power of about -46 dBm0 */
/* How much of the power lies in the band: nearly all while something is sent, in noise less than a half. */
static const float BEGINS = 0.72f, ENDS = 0.6f;
static const float SLOW = 1.0f / 96, FAST = 1.0f / 24;
static const float DROP = 20; /* that much less than before: it has ended */
static const uint32_t HALF = 0x80000000u;

void fsk_receive_init(struct fsk_receiver *receiver)
{
    memset(receiver, 0, sizeof(*receiver));
    double angle = 2 * M_PI * MIDDLE / FSK_RATE, sum = 0, row[FSK_TAPS];
    for (int k = 0; k < FSK_TAPS; k++) {
        double at = k - (FSK_TAPS - 1) / 2.0, x = 2 * M_PI * HALF_BAND / FSK_RATE * at;
        row[k] = (x == 0 ? 1 : sin(x) / x) * (0.54 + 0.46 * cos(2 * M_PI * at / (FSK_TAPS + 1)));
        sum += row[k];
    }
    for (int k = 0; k < FSK_TAPS; k++)
        receiver->taps[k] = (float)(row[k] / sum);
    receiver->turn[0] = (float)cos(angle);
    receiver->turn[1] = (float)sin(angle);
    receiver->angle[0] = 1;
}

/* Turn the next sample down and filter. */
static void turn_down(struct fsk_receiver *receiver, float sample, float out[2])
{
    float c = receiver->angle[0], s = receiver->angle[1];
    float(*line)[2] = receiver->line;
    memmove(line, line + 1, (FSK_TAPS - 1) * sizeof(*line));
    line[FSK_TAPS - 1][0] = sample * c;
    line[FSK_TAPS - 1][1] = -sample * s;
    receiver->angle[0] = c * receiver->turn[0] - s * receiver->turn[1];
    receiver->angle[1] = s * receiver->turn[0] + c * receiver->turn[1];
    out[0] = out[1] = 0;
    for (int k = 0; k < FSK_TAPS; k++) {
        out[0] += line[k][0] * receiver->taps[k];
        out[1] += line[k][1] * receiver->taps[k];
    }
}

/* Rounding makes the turning vector longer or shorter in time. */
static void refresh(struct fsk_receiver *receiver)
{
    float length = sqrtf(receiver->angle[0] * receiver->angle[0] + receiver->angle[1] * receiver->angle[1]);
    receiver->angle[0] /= length;
    receiver->angle[1] /= length;
}

static void find_carrier(struct fsk_receiver *receiver, float sample, const float now[2])
{
    receiver->power += (sample * sample - receiver->power) * SLOW;
    receiver->recent += (sample * sample - receiver->recent) * FAST;
    receiver->inside += (2 * (now[0] * now[0] + now[1] * now[1]) - receiver->inside) * SLOW;
    float least = receiver->power * (receiver->carrier ? ENDS : BEGINS);
    bool good = receiver->power > FLOOR && receiver->inside > least && receiver->recent * DROP > receiver->power;
    if (good && !receiver->carrier)
        receiver->bits = 0;
    receiver->carrier = good;
}

/* Positive for mark, the lower frequency: it turns backwards. */
static float decide(struct fsk_receiver *receiver, const float now[2])
{
    float sum = 0;
    receiver->swings[receiver->at] = now[0] * receiver->past[1] - now[1] * receiver->past[0];
    receiver->at = (receiver->at + 1) % FSK_WINDOW;
    receiver->past[0] = now[0];
    receiver->past[1] = now[1];
    for (int k = 0; k < FSK_WINDOW; k++)
        sum += receiver->swings[k];
    return sum;
}

/* Take the bit in the middle of which we are; true when an octet is complete. */
static bool take_bit(struct fsk_receiver *receiver, bool mark)
{
    if (receiver->bits == 1 && mark) { /* that was no start bit */
        receiver->bits = 0;
        return false;
    }
    if (receiver->bits >= 2 && receiver->bits <= 9)
        receiver->octet = (uint8_t)(receiver->octet >> 1 | (mark ? 0x80 : 0));
    if (receiver->bits++ < FRAME)
        return false;
    receiver->bits = 0;
    if (!mark)
        receiver->framing_errors++;
    return mark;
}

int fsk_receive(struct fsk_receiver *receiver, const int16_t *samples, int n, uint8_t *octets, int room)
{
    static const uint32_t step = (uint32_t)(4294967296.0 * FSK_BAUD / FSK_RATE);
    int count = 0;
    refresh(receiver);
    for (int i = 0; i < n; i++) {
        float turned[2];
        turn_down(receiver, samples[i], turned);
        find_carrier(receiver, samples[i], turned);
        float now = decide(receiver, turned);
        bool edge = (now > 0) != (receiver->before > 0);
        receiver->before = now;
        if (!receiver->carrier)
            continue;
        if (!receiver->bits) {
            if (!edge || now > 0)
                continue;
            receiver->bits = 1; /* a start bit begins here */
            receiver->clock = 0;
            continue;
        }
        uint32_t clock = receiver->clock + step;
        if (receiver->clock < HALF && clock >= HALF && take_bit(receiver, now > 0) && count < room)
            octets[count++] = receiver->octet;
        receiver->clock = clock;
        if (edge) /* bits change at whole turns: go a quarter of the way there */
            receiver->clock -= (uint32_t)((int32_t)receiver->clock / 4);
    }
    return count;
}
