#include "echo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "echo_adapt.h"
#include "echo_filter.h"
#include "echo_guard.h"
#include "echo_judge.h"
#include "echo_nlp.h"
#include "echo_slip.h"
#include "echo_tone.h"

enum { TAPS_A_MS = 8, SHORT = 0, LONG = 1, REST = 4 };

/* Mean square of what is sent below which the line's own noise shows: -50 dBm0. */
static const float QUIET = 2500;

/* Below 60 Hz there is no speech, but hum, and the offset of converters and of G.711's smallest steps. */
static const float OFFSET_SPEED = 0.047f, STEP = 16;

/* Four lanes. Each takes the time of a long hop as one, or as some short ones while its convergence is in hand; which
 * of both depends on nothing but the lane. */
struct group {
    struct echo_filter *filter;
    struct adapt *adapt;
    struct judge judge;
    struct nlp nlp;
    struct guard guard;
    struct tone_watch tones;
    struct slip slip;
    word *sent, *heard, *error;  /* of this long hop; error: of the last hop */
    word offset;                 /* mean of what is left */
    unsigned filled, told, hops; /* samples of this long hop, those that adapt knows of; long hops so far */
    struct evidence evidence;    /* of a lane's hop; parts since the long hop began */
    mask used, hurried;          /* lanes that are channels; that take short hops now */
    mask on, suppress, reset;    /* reset: asked for, done when a short hop ends */
    word sent_level, echo_level, heard_level, left_level; /* slow means of speech, for the figures */
};

struct echo {
    unsigned lanes, groups, taps, short_hop, long_hop;
    struct fft *small, *large;
    struct adapt_scratch *scratch;
    struct pace pace[2];
    struct group *group;
};

static void *lanes_of_words(unsigned count)
{
    word *words = aligned_alloc(sizeof(word), count * sizeof(word));
    if (words)
        memset(words, 0, count * sizeof(word));
    return words;
}

static bool group_make(struct echo *echo, struct group *group, unsigned lanes)
{
    group->filter = echo_filter_create(echo->taps, echo->small);
    group->adapt = adapt_create(echo->taps, echo->large, echo->scratch);
    group->sent = lanes_of_words(echo->long_hop);
    group->heard = lanes_of_words(echo->long_hop);
    group->error = lanes_of_words(echo->long_hop);
    mask everywhere = all(0) == all(0);
    judge_reset(&group->judge, everywhere);
    nlp_reset(&group->nlp, everywhere);
    group->on = group->suppress = everywhere;
    for (unsigned lane = 0; lane < LANES; lane++)
        group->used[lane] = lane < lanes ? -1 : 0;
    return group->filter && group->adapt && group->sent && group->heard && group->error;
}

static unsigned rounded_up(unsigned tail_ms)
{
    unsigned tail = 8;
    while (tail < tail_ms)
        tail *= 2;
    return tail;
}

struct echo *echo_create(unsigned lanes, unsigned tail_ms)
{
    if (!lanes || !tail_ms || tail_ms > ECHO_MAX_TAIL_MS)
        return NULL;
    struct echo *echo = calloc(1, sizeof *echo);
    if (!echo)
        return NULL;
    echo->lanes = lanes;
    echo->groups = (lanes + LANES - 1) / LANES;
    echo->taps = rounded_up(tail_ms) * TAPS_A_MS;
    echo->short_hop = echo->taps < 4 * BLOCK ? BLOCK : echo->taps / 4;
    echo->long_hop = echo->taps;
    echo->small = fft_create(BLOCK);
    echo->large = fft_create(echo->taps);
    echo->scratch = adapt_scratch_create(echo->taps);
    echo->pace[SHORT] = pace_of(echo->short_hop, echo->taps);
    echo->pace[LONG] = pace_of(echo->long_hop, echo->taps);
    echo->group = aligned_alloc(sizeof(word), echo->groups * sizeof *echo->group);
    bool good = echo->small && echo->large && echo->scratch && echo->group;
    if (echo->group)
        memset(echo->group, 0, echo->groups * sizeof *echo->group);
    for (unsigned i = 0; good && i < echo->groups; i++)
        good = group_make(echo, &echo->group[i], lanes - i * LANES);
    if (good)
        return echo;
    echo_destroy(echo);
    return NULL;
}

void echo_destroy(struct echo *echo)
{
    if (!echo)
        return;
    for (unsigned i = 0; echo->group && i < echo->groups; i++) {
        struct group *group = &echo->group[i];
        echo_filter_destroy(group->filter);
        adapt_destroy(group->adapt);
        free(group->sent);
        free(group->heard);
        free(group->error);
    }
    free(echo->group);
    adapt_scratch_destroy(echo->scratch);
    fft_destroy(echo->small);
    fft_destroy(echo->large);
    free(echo);
}

static void figure(struct group *group, mask lanes, const struct evidence *seen, const struct pace *pace)
{
    mask speech = lanes & group->judge.active & (group->judge.talk <= all(0));
    word *const levels[] = {&group->sent_level, &group->echo_level, &group->heard_level, &group->left_level};
    const word energies[] = {seen->sent, seen->fore_echo, seen->heard, seen->fore_error};
    float by = pace->blocks / (pace->blocks + 60); /* half a second */
    for (int i = 0; i < 4; i++)
        *levels[i] = choose(speech, *levels[i] + (energies[i] / pace->hop - *levels[i]) * by, *levels[i]);
}

static void follow_slip(struct echo *echo, struct group *group, mask where)
{
    mask later = slip_found(&group->slip, where), slipped = later != 0;
    if (!any(slipped))
        return;
    word *moved = group->error; /* its hop is done with */
    slip_move(moved, echo_filter_taps(group->filter), echo->taps, later);
    echo_filter_load(group->filter, moved, slipped);
    adapt_restore(group->adapt, slipped, moved);
    judge_calm(&group->judge, slipped);
    guard_reset(&group->guard, slipped);
}

static void forget_evidence(struct group *group, mask where)
{
    struct evidence *seen = &group->evidence;
    word *const sums[] = {&seen->sent, &seen->heard, &seen->fore_error, &seen->fore_echo, &seen->fore_cross};
    for (int i = 0; i < 5; i++)
        *sums[i] = only(~where, *sums[i]);
}

/* What a hop that ends now showed. */
static struct evidence evidence_of(const struct group *group, unsigned hop)
{
    struct evidence seen = group->evidence;
    seen.parts = hop / BLOCK;
    memmove(seen.fore_part, seen.fore_part + (group->filled - hop) / BLOCK, seen.parts * sizeof(word));
    return seen;
}

/* In the lanes of a mask, of which a hop ends now: learn, and judge. */
static void learn(struct echo *echo, struct group *group, mask lanes, unsigned hop)
{
    bool hurry = hop != echo->long_hop, everybody = !any(~lanes & group->used);
    const struct pace *pace = &echo->pace[hurry ? SHORT : LONG];
    struct evidence own = evidence_of(group, hop), *seen = &own;
    struct judge before = group->judge;
    if (everybody)
        lanes = ~(mask){0};
    adapt_hear(group->adapt, group->sent + group->told, group->filled - group->told);
    group->told = group->filled;
    struct adapt_hop back =
        adapt_error(group->adapt, lanes, group->heard + group->filled - hop, hop, group->error, seen->back_part);
    seen->back_error = back.error;
    seen->back_echo = back.echo;
    seen->likeness = back.likeness;
    word forget, weight = judge_weigh(&group->judge, seen, pace, ~group->on | group->tones.disabled, &forget);
    /* What is known well needs no step each time: equations are kept, and so is what they ask for. */
    mask stepping = hurry || group->hops % REST == 0 ? lanes : lanes & judge_unsettled(&group->judge);
    if (!any(lanes & group->used & ~stepping))
        stepping = lanes;
    adapt_learn(group->adapt, lanes, group->error, hop, stepping, hurry ? 2 : 1, weight, forget);
    struct verdict verdict = judge_decide(&group->judge, seen, pace);
    if (!everybody)
        judge_put_back(&group->judge, &before, ~lanes);
    verdict.copy &= lanes;
    verdict.drop &= lanes;
    verdict.restore &= lanes;
    verdict.doubt &= lanes;
    if (any(verdict.copy))
        echo_filter_load(group->filter, adapt_taps(group->adapt), verdict.copy);
    if (any(verdict.drop))
        echo_filter_clear(group->filter, verdict.drop);
    guard_reset(&group->guard, verdict.copy | verdict.drop);
    if (any(verdict.restore))
        adapt_restore(group->adapt, verdict.restore, echo_filter_taps(group->filter));
    if (any(verdict.doubt))
        adapt_doubt(group->adapt, verdict.doubt, verdict.keep);
    figure(group, lanes, seen, pace);
    /* Whatever came: a lane that ran away begins anew (what is no number is not less, either). */
    group->reset |= lanes & ~(back.error < all(1e20f));
    mask doubtful = lanes & judge_suspects(&group->judge);
    if (any(doubtful))
        follow_slip(echo, group, doubtful);
    forget_evidence(group, lanes);
}

static void short_hop_is_full(struct echo *echo, struct group *group)
{
    bool ended = group->filled == echo->long_hop;
    if (group->filled == echo->short_hop)
        group->hurried = ended ? (mask){0} : judge_hurries(&group->judge, &group->evidence, (float)group->filled);
    mask hurried = group->hurried & group->used, others = ~group->hurried & group->used;
    if (any(hurried))
        learn(echo, group, hurried, echo->short_hop);
    if (ended && any(others))
        learn(echo, group, others, echo->long_hop);
    if (ended) {
        group->filled = group->told = 0;
        group->hops++;
        group->evidence = (struct evidence){0};
    }
    if (any(group->reset)) {
        forget_evidence(group, group->reset);
        adapt_reset(group->adapt, group->reset);
        echo_filter_load(group->filter, adapt_taps(group->adapt), group->reset);
        judge_reset(&group->judge, group->reset);
        nlp_reset(&group->nlp, group->reset);
        guard_reset(&group->guard, group->reset);
        tone_watch_reset(&group->tones, group->reset);
        slip_reset(&group->slip, group->reset);
        group->sent_level = only(~group->reset, group->sent_level);
        group->offset = only(~group->reset, group->offset);
        group->hurried |= group->reset;
        group->reset = group->reset & 0;
    }
}

static void block_is_full(struct echo *echo, struct group *group)
{
    if (group->filled % echo->short_hop == 0)
        short_hop_is_full(echo, group);
    echo_filter_block(group->filter);
    nlp_block(&group->nlp, group->judge.far < all(QUIET));
}

static void group_chunk(struct echo *echo, struct group *group, const word *sent, const word *heard, word *out)
{
    word echoed[CHUNK];
    bool full = echo_filter_chunk(group->filter, sent, echoed);
    word *sent_hop = group->sent + group->filled, *heard_hop = group->heard + group->filled;
    struct evidence *seen = &group->evidence;
    word went = all(0), came = all(0), remains = all(0), cross = all(0), echo_energy = all(0), offset = group->offset;
    word left[CHUNK];
    for (int i = 0; i < CHUNK; i++) {
        word error = heard[i] - echoed[i];
        sent_hop[i] = sent[i];
        heard_hop[i] = heard[i];
        went += sent[i] * sent[i];
        came += heard[i] * heard[i];
        remains += error * error;
        cross += error * echoed[i];
        echo_energy += echoed[i] * echoed[i];
        left[i] = error - offset;
        offset += only(error * error < all(STEP * STEP), left[i]) * OFFSET_SPEED;
    }
    group->offset = offset;
    seen->sent += went;
    seen->heard += came;
    seen->fore_cross += cross;
    seen->fore_error += remains;
    seen->fore_part[group->filled / BLOCK] += remains;
    seen->fore_echo += echo_energy;
    tone_watch_chunk(&group->tones, sent, heard);
    slip_chunk(&group->slip, echoed, heard);
    const struct judge *judge = &group->judge;
    word expected = echo_energy * (1.0f / CHUNK) + judge_unknown_echo(judge);
    nlp_chunk(&group->nlp, left, came, expected, judge->leak_fore, group->suppress);
    /* What the non-linear processor hides stays hidden. */
    mask astray = guard_chunk(&group->guard, came, remains) & (group->nlp.share >= all(1));
    mask work = group->on & ~group->tones.disabled & ~astray;
    for (int i = 0; i < CHUNK; i++)
        out[i] = choose(work, left[i], heard[i]);
    group->filled += CHUNK;
    if (full)
        block_is_full(echo, group);
}

static int16_t rounded(float value)
{
    value += value < 0 ? -0.5f : 0.5f;
    return (int16_t)(value > 32767 ? 32767 : value < -32768 ? -32768 : value);
}

void echo_process(struct echo *echo, const int16_t (*sent)[ECHO_SAMPLES], const int16_t (*heard)[ECHO_SAMPLES],
                  int16_t (*out)[ECHO_SAMPLES])
{
    for (unsigned g = 0; g < echo->groups; g++) {
        unsigned first = g * LANES, count = echo->lanes - first < LANES ? echo->lanes - first : LANES;
        word x[CHUNK] = {0}, d[CHUNK] = {0}, e[CHUNK];
        for (unsigned lane = 0; lane < count; lane++)
            for (int i = 0; i < CHUNK; i++) {
                x[i][lane] = sent[first + lane][i];
                d[i][lane] = heard[first + lane][i];
            }
        group_chunk(echo, &echo->group[g], x, d, e);
        for (unsigned lane = 0; lane < count; lane++)
            for (int i = 0; i < CHUNK; i++)
                out[first + lane][i] = rounded(e[i][lane]);
    }
}

static void mark(mask *where, unsigned lane, bool on)
{
    (*where)[lane % LANES] = on ? -1 : 0;
}

void echo_switch(struct echo *echo, unsigned lane, bool on)
{
    mark(&echo->group[lane / LANES].on, lane, on);
}

void echo_nlp(struct echo *echo, unsigned lane, bool on)
{
    mark(&echo->group[lane / LANES].suppress, lane, on);
}

void echo_reset(struct echo *echo, unsigned lane)
{
    mark(&echo->group[lane / LANES].reset, lane, true);
}

unsigned echo_tail_ms(const struct echo *echo)
{
    return echo->taps / TAPS_A_MS;
}

static double ratio_db(float over, float under)
{
    return over > 0 && under > 0 ? 10 * log10((double)over / under) : 0;
}

double echo_erl_db(const struct echo *echo, unsigned lane)
{
    const struct group *group = &echo->group[lane / LANES];
    return ratio_db(group->sent_level[lane % LANES], group->echo_level[lane % LANES]);
}

double echo_erle_db(const struct echo *echo, unsigned lane)
{
    const struct group *group = &echo->group[lane / LANES];
    return ratio_db(group->heard_level[lane % LANES], group->left_level[lane % LANES]);
}

enum echo_state echo_state(const struct echo *echo, unsigned lane)
{
    const struct group *group = &echo->group[lane / LANES];
    lane %= LANES;
    if (!group->on[lane])
        return ECHO_OFF;
    if (group->tones.disabled[lane])
        return ECHO_DISABLED;
    if (!(group->sent_level[lane] > 0))
        return ECHO_IDLE;
    if (group->judge.talk[lane] > 0)
        return ECHO_DOUBLE_TALK;
    return judge_knows(&group->judge, lane) ? ECHO_CONVERGED : ECHO_CONVERGING;
}

const char *echo_state_name(enum echo_state state)
{
    static const char *const NAMES[] = {"off", "idle", "converging", "converged", "double talk", "disabled by tone"};
    return NAMES[state];
}
