#include "echo_bank.h"

#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "leg_line.h"

_Static_assert((int)LINE_CHUNK == (int)ECHO_SAMPLES, "lines move by the canceller's millisecond");

static struct echo_bank *make(int tail_ms)
{
    struct echo_bank *bank = calloc(1, sizeof(*bank));
    if (bank)
        bank->echo = echo_create(BANK_LANES, (unsigned)tail_ms);
    if (bank && bank->echo) {
        bank->tail_ms = tail_ms;
        return bank;
    }
    free(bank);
    return NULL;
}

bool bank_take(struct engine *engine, struct line *line, int tail_ms)
{
    struct echo_bank *bank = engine->echo_banks;
    while (bank && (bank->tail_ms != tail_ms || bank->taken == (1u << BANK_LANES) - 1))
        bank = bank->next;
    if (!bank) {
        bank = make(tail_ms);
        if (!bank)
            return false;
        bank->next = engine->echo_banks;
        engine->echo_banks = bank;
    }
    for (unsigned lane = 0; lane < BANK_LANES; lane++)
        if (!(bank->taken & 1u << lane)) {
            bank->taken |= 1u << lane;
            line->bank = bank;
            line->lane = lane;
            return true;
        }
    return false;
}

static void end(struct engine *engine, struct echo_bank *bank)
{
    struct echo_bank **at = &engine->echo_banks;
    while (*at && *at != bank)
        at = &(*at)->next;
    if (*at)
        *at = bank->next;
    echo_destroy(bank->echo);
    free(bank);
}

void bank_give(struct engine *engine, struct line *line)
{
    struct echo_bank *bank = line->bank;
    line->bank = NULL;
    if (!bank)
        return;
    bank->taken &= ~(1u << line->lane);
    if (!bank->taken)
        end(engine, bank);
}

void banks_end(struct engine *engine)
{
    while (engine->echo_banks)
        end(engine, engine->echo_banks);
}

void bank_attach(struct line *line)
{
    if (!line->bank)
        return;
    line->bank->lines[line->lane] = line;
    echo_reset(line->bank->echo, line->lane);
    echo_switch(line->bank->echo, line->lane, true);
}

void bank_detach(struct line *line)
{
    if (line->bank)
        line->bank->lines[line->lane] = NULL;
}

/* A lane whose line has nothing more in this tick hears a silent millisecond beside a silent one. */
static void run_chunk(struct echo_bank *bank, int at)
{
    static const int16_t silence[ECHO_SAMPLES];
    int16_t sent[BANK_LANES][ECHO_SAMPLES], heard[BANK_LANES][ECHO_SAMPLES], out[BANK_LANES][ECHO_SAMPLES];
    for (unsigned lane = 0; lane < BANK_LANES; lane++) {
        const struct line *line = bank->lines[lane];
        bool has = line && line->taken > at;
        memcpy(sent[lane], has ? line->echoed + at : silence, sizeof(silence));
        memcpy(heard[lane], has ? line->heard + at : silence, sizeof(silence));
    }
    echo_process(bank->echo, sent, heard, out);
    for (unsigned lane = 0; lane < BANK_LANES; lane++) {
        struct line *line = bank->lines[lane];
        if (line && line->taken > at)
            memcpy(line->heard + at, out[lane], sizeof(silence));
    }
}

void bank_run(struct engine *engine, struct echo_bank *bank)
{
    int most = 0;
    if (bank->tick == engine->tick)
        return;
    bank->tick = engine->tick;
    for (unsigned lane = 0; lane < BANK_LANES; lane++)
        if (bank->lines[lane] && bank->lines[lane]->taken > most)
            most = bank->lines[lane]->taken;
    for (int at = 0; at < most; at += ECHO_SAMPLES)
        run_chunk(bank, at);
}
