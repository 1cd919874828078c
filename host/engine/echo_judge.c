#include "echo_judge.h"

#include <math.h>

static const float MEMORY = 1.0f * 8000, /* samples of speech after which an equation counts 1/e */
    SILENCE = 100,                       /* mean square below which nothing is sent: -63 dBm0 */
    CODING = 1.6e-4f,                    /* noise of G.711 relative to the signal: -38 dB */
    ROUNDING = 22,                       /* noise of a small signal in A-law */
    RETURN = 0.25f,                      /* the loudest echo before any is known: return loss of 6 dB */
    EXCESS = 20,                         /* an error this far above what leaks is not echo, */
    LOUDEST = 2,                         /* nor one this far above all the echo there can be */
    LESSON = 4,                /* tails of speech that teach most of a path: what is left then falls as 1 / time */
    FADE = 0.1f,               /* of a hop, in the comparison of foreground and background */
    LEAST_HOPS = 2.5f,         /* compared */
    SURE = 3.5f, SURER = 4.5f, /* standard errors by which the background must lead; while somebody talks */
    ALIKE = 0.95f,             /* spectra */
    PROOF = 0.25f,             /* of the foreground's error */
    SETTLED = 0.001f, VARIED = 0.85f, TONE_BLOCKS = 5, /* alike */
    FAIR = 0.01f,                                      /* leakage below which haste is less urgent */
    UNKNOWN = 0.1f,        /* leakage above which the foreground knows nothing worth keeping */
    TALK_BLOCKS = 16,      /* after an excess */
    SUSPICION_BLOCKS = 12, /* of excess that looks like the old echo: the path has changed; */
    DISTANT = 0.3f,        /* a block of any other excess, against one of those */
    PEACE_BLOCKS = 60,     /* without excess, after which a trial in vain is forgotten */
    TRIAL_BLOCKS = 60,     /* for the background to show it */
    HURRY_BLOCKS = 100;    /* 0.8 s */

struct pace pace_of(unsigned hop, unsigned taps)
{
    double blocks = hop / 64.0;
    return (struct pace){
        .hop = (float)hop,
        .forget = (float)exp(-(double)hop / MEMORY),
        .reach = (float)exp(-(double)hop / taps),
        .fall = (float)(1 - pow(0.9, blocks)),
        .rise = (float)pow(1.002, blocks),
        .floor_rise = (float)pow(1.0005, blocks),
        .quiet = (float)pow(0.8, blocks),
        .blocks = (float)blocks,
        .tails = (float)hop / (float)taps,
    };
}

/* Leakage follows down soon and up late. Only of what is well above the noise does the error say anything. */
static word leakage(word leak, word error, word heard, word noise, mask active, const struct pace *pace)
{
    word ratio = error / (heard + noise);
    word next = choose(ratio < leak, leak + (ratio - leak) * pace->fall, leak * pace->rise);
    next = smaller(larger(next, all(1e-7f)), all(1));
    return choose(active & (heard > noise * 10.0f), next, leak);
}

word judge_weigh(struct judge *judge, const struct evidence *seen, const struct pace *pace, mask frozen, word *forget)
{
    float each = 1.0f / pace->hop;
    word error = seen->back_error * each, echo = seen->back_echo * each;
    judge->far = larger(judge->far * pace->reach, seen->sent * each);
    judge->steady = only(seen->likeness > all(ALIKE), judge->steady + pace->blocks);
    judge->tonal = judge->steady > all(TONE_BLOCKS);
    frozen |= judge->tonal & (judge->leak_fore < all(UNKNOWN));
    /* Where neither is an echo nor was one expected, there may be no line yet. */
    mask line = (seen->heard * each > all(ROUNDING)) | (seen->fore_echo * each > all(ROUNDING));
    judge->active = (judge->far > all(SILENCE)) & line & ~frozen;
    judge->floor_now = judge->floor_now * pace->quiet + error * (1 - pace->quiet);
    judge->floor = smaller(judge->floor * pace->floor_rise + 1e-3f, judge->floor_now);
    judge->noise = ROUNDING + judge->floor + CODING * (echo + judge->leak_back * judge->far * RETURN);

    word untaught = smaller(LESSON / (judge->learnt + 1e-3f), all(1));
    word expected = echo + smaller(judge->leak_back, untaught) * judge->far * RETURN;
    judge->limit = smaller(judge->leak_back * EXCESS, LOUDEST * untaught) * expected + judge->noise;
    judge->learnt += only(judge->active, all(pace->tails));
    word weight = 1.0f / (judge->noise * larger(error / judge->limit, all(1)));
    judge->leak_back =
        leakage(judge->leak_back, error, seen->heard * each, judge->noise, judge->active & ~judge->tonal, pace);
    /* In silence nothing is learnt, nothing is forgotten (G.168 test 4). */
    *forget = choose(judge->active, all(pace->forget), all(1));
    return weight * choose(judge->active, all(1), all(1e-6f));
}

/* By how many standard errors the background leads: a test on the mean of normalised differences, so that neither loud
 * hops nor one lucky hop decide. Hops in which both err by far more than echo say little. */
static word surety(struct judge *judge, const struct evidence *seen, const struct pace *pace, word usual)
{
    word least = smaller(seen->fore_error, seen->back_error) / pace->hop;
    /* A background let loose on trial takes near speech for echo: there the foreground's measure counts. */
    word limit = choose(judge->trial > all(0), usual + judge->noise * 3.0f, judge->limit);
    word weight = only(judge->active, 1.0f / larger(least / limit, all(1)));
    word lead = (seen->fore_error - seen->back_error) / (seen->fore_error + seen->back_error + 1.0f);
    word keep = 1.0f - weight * FADE, weight2 = weight * weight;
    judge->w = judge->w * keep + weight;
    judge->wz = judge->wz * keep + weight * lead;
    judge->ww = judge->ww * keep + weight2;
    judge->wwz = judge->wwz * keep + weight2 * lead;
    judge->wwzz = judge->wwzz * keep + weight2 * lead * lead;
    word all_weights = larger(judge->w, all(1e-3f)), mean = judge->wz / all_weights;
    word variance = judge->wwzz - 2.0f * mean * judge->wwz + mean * mean * judge->ww + 1e-5f * judge->ww;
    return only(judge->w > all(LEAST_HOPS), mean * all_weights / (root(variance) + 1e-9f));
}

static void compare_anew(struct judge *judge, mask where)
{
    word *const sums[] = {&judge->w, &judge->wz, &judge->ww, &judge->wwz, &judge->wwzz};
    for (int i = 0; i < 5; i++)
        *sums[i] = only(~where, *sums[i]);
}

void judge_reset(struct judge *judge, mask where)
{
    judge->leak_fore = choose(where, all(1), judge->leak_fore);
    judge->leak_back = choose(where, all(1), judge->leak_back);
    judge->floor = choose(where, all(1000), judge->floor);
    judge->floor_now = choose(where, all(1000), judge->floor_now);
    judge->far = only(~where, judge->far);
    compare_anew(judge, where);
    judge->talk = only(~where, judge->talk);
    judge->suspicion = only(~where, judge->suspicion);
    judge->against = only(~where, judge->against);
    judge->along = only(~where, judge->along);
    judge->patience = choose(where, all(1), judge->patience);
    judge->learnt = only(~where, judge->learnt);
    judge->steady = only(~where, judge->steady);
    judge->trial = only(~where, judge->trial);
    judge->hurry = choose(where, all(HURRY_BLOCKS), judge->hurry);
}

struct verdict judge_decide(struct judge *judge, const struct evidence *seen, const struct pace *pace)
{
    float each = 1.0f / pace->hop;
    word error = seen->fore_error * each;
    word expected = seen->fore_echo * each + judge_unknown_echo(judge);
    mask active = judge->active, heard = active & (judge->far * RETURN > judge->noise * 3.0f);
    word limit = judge->leak_fore * expected * EXCESS;
    mask beyond = heard & (error > limit + judge->noise);
    judge->talk = choose(error > limit + judge->noise * 3.0f, all(TALK_BLOCKS), judge->talk - pace->blocks);
    mask talk = judge->talk > all(0);

    word sure = surety(judge, seen, pace, limit);
    /* On a tone any response is good that is right at its frequency (and at those of the coding's distortion). */
    mask telling = (seen->likeness < all(VARIED)) | (judge->leak_fore > all(UNKNOWN));
    /* A background on trial has to show more than what repeats itself in near speech. */
    word bar = choose(judge->trial > all(0), all(PROOF), all(1));
    mask better = active & telling & (seen->back_error < seen->fore_error * bar);
    mask unknown = (judge->leak_fore > all(UNKNOWN)) & (seen->back_error < seen->fore_error * 0.5f);

    struct verdict verdict;
    verdict.copy = better & (unknown | (~talk & (sure > all(SURE))) | (sure > all(SURER)));
    verdict.restore =
        active & (sure < all(-4)) & (seen->back_error > seen->fore_error * 1.5f) & (judge->trial <= all(0));
    judge->leak_fore = leakage(judge->leak_fore, error, seen->heard * each, judge->noise, active & ~judge->tonal, pace);
    judge->leak_fore = choose(verdict.copy, judge->leak_back, judge->leak_fore);
    judge->leak_back = choose(verdict.restore, judge->leak_fore, judge->leak_back);

    /* An excess that lasts while something is sent: double talk, or another path. The background is let loose to find
     * out; what is heard is safe with the foreground until the background has proved better. */
    mask idle = judge->trial <= all(0);
    judge->against = judge->against * pace->quiet + seen->fore_cross;
    judge->along = judge->along * pace->quiet + seen->fore_echo;
    /* What the old path no longer sends is still taken out: the error looks like the echo, turned over, and is louder
     * than what is heard. */
    mask contrary = heard & (judge->against < judge->along * -0.5f) & (error > judge->noise * 3.0f);
    word step = choose(contrary, all(pace->blocks), all(pace->blocks * DISTANT));
    beyond |= contrary;
    word less = larger(judge->suspicion - 2 * pace->blocks, all(0));
    judge->suspicion = choose(beyond & idle, judge->suspicion + step, choose(heard, less, judge->suspicion));
    judge->suspicion = only(~verdict.copy, judge->suspicion);
    judge->patience = choose(judge->talk < all(-PEACE_BLOCKS), all(1), judge->patience);
    verdict.doubt = judge->suspicion > judge->patience * SUSPICION_BLOCKS;
    judge->patience = smaller(choose(verdict.doubt, judge->patience * 2.0f, judge->patience), all(8));
    judge->suspicion = only(~verdict.doubt, judge->suspicion);
    judge->trial = choose(heard, judge->trial - pace->blocks, judge->trial);
    judge->trial = choose(verdict.doubt, all(TRIAL_BLOCKS), only(~verdict.copy, judge->trial));
    judge->leak_back = choose(verdict.doubt, all(1), judge->leak_back);
    judge->learnt = only(~verdict.doubt, judge->learnt);
    mask anew = verdict.copy | verdict.restore | verdict.doubt;
    compare_anew(judge, anew);

    word spent = choose(judge->leak_back > all(FAIR), all(pace->blocks * 0.33f), all(pace->blocks));
    judge->hurry = choose(active, judge->hurry - spent, judge->hurry);
    judge->hurry = choose(verdict.doubt, all(HURRY_BLOCKS), judge->hurry);
    return verdict;
}

bool judge_hurries(const struct judge *judge, const struct evidence *seen, float samples)
{
    return any((judge->hurry > all(0)) & (judge->active | (seen->sent > all(SILENCE * samples))));
}

word judge_unknown_echo(const struct judge *judge)
{
    return judge->leak_fore * judge->far * RETURN;
}

bool judge_knows(const struct judge *judge, unsigned lane)
{
    return judge->leak_fore[lane] < UNKNOWN;
}

bool judge_settled(const struct judge *judge)
{
    return !any(judge->active & ((judge->leak_back > all(SETTLED)) | (judge->talk > all(0)) | (judge->trial > all(0))));
}

mask judge_suspects(const struct judge *judge)
{
    return (judge->suspicion > all(0)) | (judge->trial > all(0));
}

void judge_calm(struct judge *judge, mask where)
{
    judge->suspicion = only(~where, judge->suspicion);
    judge->trial = only(~where, judge->trial);
    judge->talk = only(~where, judge->talk);
    judge->leak_back = choose(where, judge->leak_fore, judge->leak_back);
    compare_anew(judge, where);
}
