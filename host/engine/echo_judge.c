#include "echo_judge.h"

#include <math.h>

static const float MEMORY = 1.0f * 8000, /* samples of speech after which an equation counts 1/e */
    SILENCE = 100,                       /* mean square below which nothing is sent: -63 dBm0 */
    CODING = 1.6e-4f,                    /* noise of G.711 relative to the signal: -38 dB */
    ROUNDING = 22,                       /* noise of a small signal in A-law */
    RETURN = 0.25f,                      /* the loudest echo before any is known: return loss of 6 dB */
    EXCESS = 20,                         /* an error this far above what leaks is not echo, */
    LOUDEST = 2,                         /* nor one this far above all the echo there can be */
    LOSS_MARGIN = 16, LOUD_TAILS = 1.9f, /* a syllable comes back up to 12 dB fainter than others */
    LESSON = 4,                /* tails of speech that teach most of a path: what is left then falls as 1 / time */
    LOUDER = 0.1f,             /* of what came: half a dB is no accident any more */
    SURE = 3.5f, SURER = 4.5f, /* standard errors by which the background must lead; while somebody talks */
    ALIKE = 0.95f,             /* spectra */
    PROOF = 0.25f,             /* of the foreground's error */
    SETTLED = 0.001f, VARIED = 0.85f, TONE_BLOCKS = 5, /* alike */
    OTHER_PATH = 0.001f, SAME_PATH = 0.01f,            /* shares of the equations that a doubt leaves */
    FAIR = 0.01f,                                      /* leakage below which haste is less urgent */
    UNKNOWN = 0.1f,        /* leakage above which the foreground knows nothing worth keeping */
    TALK_BLOCKS = 16,      /* after an excess */
    SUSPICION_BLOCKS = 12, /* of excess that looks like the old echo: the path has changed; */
    DISTANT = 0.3f,        /* a block of any other excess, against one of those */
    PEACE_BLOCKS = 60,     /* without excess, after which a trial in vain is forgotten */
    TRIAL_QUARTERS = 60,   /* for the background to show it */
    PLAIN = 0.05f,         /* of what came: no accident, a background that leaves so little knows the path */
    CLEARLY = 0.1f,        /* of the foreground's error, over some hops: nor is this, by one on trial */
    SEEN_QUARTERS = 8,     /* of a trial, before that is said */
    FAILING_BLOCKS = 25,   /* worse than none, for a foreground that was good: two voices may be alike for a syllable */
    MISTRUST_BLOCKS = 250, /* 2 s */
    HURRY_BLOCKS = 100;    /* 0.8 s */

/* How much one of full weight fades the others, and how many are to be compared: of blocks, foreground and background;
 * of hops, either with none, which near speech hides longer. */
static const struct test {
    float fade, least;
} PART_TEST = {0.025f, 16}, HOP_TEST = {0.03f, 8};

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
        .quarters = (float)hop / (taps < 256 ? 64 : (float)taps / 4),
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

/* While a voice has been sent for longer than the tail, all of its echo is in what comes back: there is no more of it
 * than that, whoever else is heard. */
static void bound_loss(struct judge *judge, const struct evidence *seen, const struct pace *pace)
{
    mask loud = (seen->sent * 4.0f > judge->far * pace->hop) & (judge->far > all(SILENCE * 100));
    judge->loud = only(loud, judge->loud + pace->tails);
    word most = seen->heard / (seen->sent + 1.0f) * LOSS_MARGIN;
    judge->loss = smaller(judge->loss * pace->rise, all(RETURN));
    judge->loss = choose(judge->loud > all(LOUD_TAILS), smaller(judge->loss, most), judge->loss);
}

word judge_weigh(struct judge *judge, const struct evidence *seen, const struct pace *pace, mask frozen, word *forget)
{
    float each = 1.0f / pace->hop;
    word error = seen->back_error * each, echo = seen->back_echo * each;
    judge->far = larger(judge->far * pace->reach, seen->sent * each);
    bound_loss(judge, seen, pace);
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

static void compare(struct contest *sums, word one, word other, word noise, word weight, struct test test)
{
    word lead = (other - one) / (other + one + noise);
    word keep = 1.0f - weight * test.fade, weight2 = weight * weight;
    sums->w = sums->w * keep + weight;
    sums->wz = sums->wz * keep + weight * lead;
    sums->ww = sums->ww * keep + weight2;
    sums->wwz = sums->wwz * keep + weight2 * lead;
    sums->wwzz = sums->wwzz * keep + weight2 * lead * lead;
}

/* By how many standard errors one leads: a test on the mean of normalised differences, so that neither what is loud nor
 * one lucky accident decides. */
static word surety(const struct contest *sums, struct test test)
{
    word all_weights = larger(sums->w, all(1e-3f)), mean = sums->wz / all_weights;
    word variance = sums->wwzz - 2.0f * mean * sums->wwz + mean * mean * sums->ww + 1e-5f * sums->ww;
    return only(sums->w > all(test.least), mean * all_weights / (root(variance) + 1e-9f));
}

/* Foreground and background, block by block: near speech has gaps, in which they show what they are worth. A block in
 * which both err by far more than echo says little. */
static word back_leads(struct judge *judge, const struct evidence *seen, word usual)
{
    /* A background let loose on trial takes near speech for echo: there the foreground's measure counts. */
    word limit = choose(judge->trial > all(0), usual + judge->noise * 3.0f, judge->limit) * (float)BLOCK;
    for (unsigned part = 0; part < seen->parts; part++) {
        word fore = seen->fore_part[part], back = seen->back_part[part];
        word weight = only(judge->active, 1.0f / larger(smaller(fore, back) / limit, all(1)));
        compare(&judge->back_fore, back, fore, all(1), weight, PART_TEST);
    }
    return surety(&judge->back_fore, PART_TEST);
}

/* A hop of either, beside no canceller at all. */
static word leads_none(const struct judge *judge, struct contest *sums, word error, word heard, word hiss)
{
    compare(sums, error, heard, hiss, only(judge->active, all(1)), HOP_TEST);
    return surety(sums, HOP_TEST);
}

static void contest_anew(struct contest *sums, mask where)
{
    word *const each[] = {&sums->w, &sums->wz, &sums->ww, &sums->wwz, &sums->wwzz};
    for (int i = 0; i < 5; i++)
        *each[i] = only(~where, *each[i]);
}

static void compare_anew(struct judge *judge, mask where)
{
    contest_anew(&judge->back_fore, where);
    contest_anew(&judge->fore_none, where);
}

void judge_reset(struct judge *judge, mask where)
{
    judge->leak_fore = choose(where, all(1), judge->leak_fore);
    judge->leak_back = choose(where, all(1), judge->leak_back);
    judge->floor = choose(where, all(1000), judge->floor);
    judge->floor_now = choose(where, all(1000), judge->floor_now);
    judge->far = only(~where, judge->far);
    compare_anew(judge, where);
    contest_anew(&judge->back_none, where);
    judge->mistrust = only(~where, judge->mistrust);
    judge->talk = only(~where, judge->talk);
    judge->suspicion = only(~where, judge->suspicion);
    judge->against = only(~where, judge->against);
    judge->along = only(~where, judge->along);
    judge->came = only(~where, judge->came);
    judge->erred_fore = only(~where, judge->erred_fore);
    judge->erred_back = only(~where, judge->erred_back);
    judge->failing = only(~where, judge->failing);
    judge->patience = choose(where, all(1), judge->patience);
    judge->loss = choose(where, all(RETURN), judge->loss);
    judge->loud = only(~where, judge->loud);
    judge->learnt = only(~where, judge->learnt);
    judge->steady = only(~where, judge->steady);
    judge->trial = only(~where, judge->trial);
    judge->limit = only(~where, judge->limit);
    judge->noise = only(~where, judge->noise);
    judge->active &= ~where;
    judge->tonal &= ~where;
    judge->hurry = choose(where, all(HURRY_BLOCKS), judge->hurry);
}

struct verdict judge_decide(struct judge *judge, const struct evidence *seen, const struct pace *pace)
{
    float each = 1.0f / pace->hop;
    word error = seen->fore_error * each;
    word expected = seen->fore_echo * each + judge->leak_fore * judge->far * RETURN;
    mask active = judge->active, heard = active & (judge->far * RETURN > judge->noise * 3.0f);
    word limit = judge->leak_fore * expected * EXCESS;
    mask beyond = heard & (error > limit + judge->noise);
    judge->talk = choose(error > limit + judge->noise * 3.0f, all(TALK_BLOCKS), judge->talk - pace->blocks);
    mask talk = judge->talk > all(0);

    word sure = back_leads(judge, seen, limit), present = only(active, all(1));
    word hiss = judge->noise * (pace->hop * 3.0f); /* differences within the noise decide nothing */
    word worth = leads_none(judge, &judge->back_none, seen->back_error, seen->heard, hiss);
    word kept = leads_none(judge, &judge->fore_none, seen->fore_error, seen->heard, hiss);
    /* On a tone any response is good that is right at its frequency (and at those of the coding's distortion). */
    mask telling = (seen->likeness < all(VARIED)) | (judge->leak_fore > all(UNKNOWN));
    /* A background on trial has to show more than what repeats itself in near speech. */
    word bar = choose(judge->trial > all(0), all(PROOF), all(1));
    mask better = active & telling & (seen->back_error < seen->fore_error * bar);
    mask unknown = (judge->leak_fore > all(UNKNOWN)) & (seen->back_error < seen->fore_error * 0.5f);
    /* Better than a bad foreground is not good: it has to be better than none, and surely so once it was not. */
    better &= seen->back_error < seen->heard;
    mask plain = seen->back_error + hiss < seen->heard * PLAIN;
    better &= (judge->mistrust <= all(0)) | (worth > all(SURE)) | plain;

    /* Near speech cannot be foretold from what is sent: both errors would hold it, and be alike. */
    judge->erred_fore = judge->erred_fore * pace->quiet + seen->fore_error;
    judge->erred_back = judge->erred_back * pace->quiet + seen->back_error;
    mask clearly = (judge->trial > all(0)) & (judge->trial < all(TRIAL_QUARTERS - SEEN_QUARTERS)) &
                   (judge->erred_back < judge->erred_fore * CLEARLY);

    struct verdict verdict;
    verdict.copy = better & (unknown | clearly | (~talk & (sure > all(SURE))) | (sure > all(SURER)));
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
    /* What is left is louder than what came. A foreground that never was good for anything goes at once; one that was,
     * only when no chance of two voices explains it. */
    judge->came = judge->came * pace->quiet + seen->heard;
    mask louder = judge->along + 2.0f * judge->against < judge->came * -LOUDER;
    mask known = judge->leak_fore < all(UNKNOWN), fails = kept < all(-SURER);
    judge->failing = choose(active, only(fails, judge->failing + pace->blocks), judge->failing);
    mask hopeless = judge->failing > all(FAILING_BLOCKS);
    verdict.drop = active & ~verdict.copy & (judge->along * each > judge->noise) &
                   ((known & hopeless) | (~known & (louder | fails)));
    judge->mistrust = choose(verdict.drop, all(MISTRUST_BLOCKS), judge->mistrust - present * pace->blocks);
    judge->leak_fore = choose(verdict.drop, all(1), judge->leak_fore);
    /* What the old path no longer sends is still taken out: the error looks like the echo, turned over, and is louder
     * than what is heard. */
    mask contrary = heard & (judge->against < judge->along * -0.5f) & (error > judge->noise * 3.0f);
    word step = choose(contrary, all(pace->blocks), all(pace->blocks * DISTANT));
    beyond |= contrary;
    word less = larger(judge->suspicion - 2 * pace->blocks, all(0));
    judge->suspicion = choose(beyond & idle, judge->suspicion + step, choose(heard, less, judge->suspicion));
    judge->suspicion = only(~verdict.copy, judge->suspicion);
    judge->patience = choose(judge->talk < all(-PEACE_BLOCKS), all(1), judge->patience);
    verdict.doubt = (judge->suspicion > judge->patience * SUSPICION_BLOCKS) | (verdict.drop & known & idle);
    /* What was known well is another path now, if it is one; what was not may only have been talked over. */
    verdict.keep = choose(judge->leak_fore < all(FAIR), all(OTHER_PATH), all(SAME_PATH));
    judge->patience = smaller(choose(verdict.doubt, judge->patience * 2.0f, judge->patience), all(8));
    judge->suspicion = only(~verdict.doubt, judge->suspicion);
    judge->trial = choose(heard, judge->trial - pace->quarters, judge->trial);
    judge->trial = choose(verdict.doubt, all(TRIAL_QUARTERS), only(~verdict.copy, judge->trial));
    judge->leak_back = choose(verdict.doubt, all(1), judge->leak_back);
    judge->learnt = only(~verdict.doubt, judge->learnt);
    judge->loss = choose(verdict.doubt, all(RETURN), judge->loss);
    judge->erred_fore = only(~verdict.doubt, judge->erred_fore);
    judge->erred_back = only(~verdict.doubt, judge->erred_back);
    contest_anew(&judge->back_fore, verdict.copy | verdict.restore | verdict.doubt | verdict.drop);
    contest_anew(&judge->fore_none, verdict.copy | verdict.drop);
    contest_anew(&judge->back_none, verdict.restore | verdict.doubt);
    mask other = verdict.copy | verdict.drop; /* another foreground: what was seen was of the one before */
    judge->against = only(~other, judge->against);
    judge->along = only(~other, judge->along);
    judge->came = only(~other, judge->came);
    judge->failing = only(~other, judge->failing);

    word spent = choose(judge->leak_back > all(FAIR), all(pace->blocks * 0.33f), all(pace->blocks));
    judge->hurry = choose(active, judge->hurry - spent, judge->hurry);
    judge->hurry = choose(verdict.doubt, all(HURRY_BLOCKS), judge->hurry);
    return verdict;
}

mask judge_hurries(const struct judge *judge, const struct evidence *seen, float samples)
{
    return (judge->hurry > all(0)) & (judge->active | (seen->sent > all(SILENCE * samples)));
}

void judge_put_back(struct judge *judge, const struct judge *before, mask where)
{
    put_back(judge, before, sizeof(*judge) / sizeof(word), where);
}

word judge_unknown_echo(const struct judge *judge)
{
    return judge->leak_fore * judge->far * judge->loss;
}

bool judge_knows(const struct judge *judge, unsigned lane)
{
    return judge->leak_fore[lane] < UNKNOWN;
}

mask judge_unsettled(const struct judge *judge)
{
    return judge->active & ((judge->leak_back > all(SETTLED)) | (judge->talk > all(0)) | (judge->trial > all(0)));
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
