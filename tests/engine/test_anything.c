/* Orders and packets of all kinds in any order, at random: nothing leaks and
 * nothing crashes, under the sanitizers. */
#include "scene.h"

enum { LEGS = 24, PLAYERS = 24 };

struct zoo {
    struct engine *engine;
    struct leg *legs[LEGS];
    bool rtp[LEGS];
    struct player *players[PLAYERS];
    struct recorder *recorders[4];
    struct watch *watches[8];
    struct detector *detectors[8];
    struct effect *effects[4];
    struct mixer *mixer;
    char folder[64];
};

/* What is over must not be ordered about again: forget it, as the control
 * thread does. */
static void zoo_events(struct zoo *zoo)
{
    struct engine_event events[16];
    int count;
    while ((count = engine_events(zoo->engine, events, 16)) > 0)
        for (int i = 0; i < count; i++) {
            void *object = events[i].object;
            switch (events[i].kind) {
            case EVENT_LEG_CLOSED:
                leg_free(object);
                break;
            case EVENT_PLAYER_DONE:
                for (int k = 0; k < PLAYERS; k++)
                    if (zoo->players[k] == object)
                        zoo->players[k] = NULL;
                player_free(object);
                break;
            case EVENT_RECORDER_DONE:
                for (int k = 0; k < 4; k++)
                    if (zoo->recorders[k] == object)
                        zoo->recorders[k] = NULL;
                recorder_free(object);
                break;
            case EVENT_WATCH_CLOSED:
                for (int k = 0; k < 8; k++)
                    if (zoo->watches[k] == object)
                        zoo->watches[k] = NULL;
                watch_free(object);
                break;
            case EVENT_DETECTOR_END:
                for (int k = 0; k < 8; k++)
                    if (zoo->detectors[k] == object)
                        zoo->detectors[k] = NULL;
                detector_free(object);
                break;
            case EVENT_EFFECT_END:
                for (int k = 0; k < 4; k++)
                    if (zoo->effects[k] == object)
                        zoo->effects[k] = NULL;
                effect_free(object);
                break;
            case EVENT_MIXER_CLOSED:
                mixer_free(object);
                break;
            case EVENT_PACKET:
                take_packet(zoo->engine, &events[i]);
                break;
            default:
                break;
            }
        }
}

static int find_leg(const struct zoo *zoo, bool rtp)
{
    for (int i = 0; i < 50; i++) {
        int at = (int)random_number(LEGS);
        if (zoo->legs[at] && (!rtp || zoo->rtp[at]))
            return at;
    }
    return -1;
}

static void zoo_make(struct zoo *zoo)
{
    char error[ENGINE_TEXT];
    int at = (int)random_number(LEGS - 1), other = find_leg(zoo, false);
    if (zoo->legs[at])
        return;
    switch (random_number(6)) {
    case 0:
        zoo->legs[at] = leg_null(zoo->engine, random_number(2) ? 8000 : 16000);
        zoo->rtp[at] = false;
        break;
    case 1:
        if (!zoo->legs[at + 1] && leg_pipe(zoo->engine, &zoo->legs[at], &zoo->legs[at + 1]))
            zoo->rtp[at] = zoo->rtp[at + 1] = false;
        break;
    case 2:
        if (other >= 0)
            zoo->legs[at] = leg_snoop(zoo->legs[other], (int)random_number(4), (int)random_number(4));
        zoo->rtp[at] = false;
        break;
    default:
        zoo->legs[at] = leg_rtp(zoo->engine, "0.0.0.0", !random_number(6), 0, 0, error);
        zoo->rtp[at] = true;
        set_codecs(zoo->legs[at], (int)random_number(8));
        rtp_remote(zoo->legs[at], "192.0.2.7", 4000, 4000 + (int)random_number(2));
        if (random_number(2))
            rtp_option(zoo->legs[at], RTP_STRICT, 0);
    }
}

static void zoo_play(struct zoo *zoo, struct leg *leg)
{
    static const struct tone_item items[] = {{440, 480, 30, 0}, {0, 0, 20, 0}, {1000, 20, 0, 1}};
    char wav[96], gsm[96];
    const char *paths[3] = {wav, gsm, "/missing.wav"};
    snprintf(wav, sizeof(wav), "%s/a.wav", zoo->folder);
    snprintf(gsm, sizeof(gsm), "%s/b.gsm", zoo->folder);
    int at = (int)random_number(PLAYERS), flags = (int)random_number(8);
    if (zoo->players[at])
        player_order(zoo->players[at], (int)random_number(5), (int64_t)random_number(2000) - 500);
    else if (random_number(3))
        zoo->players[at] = leg_play(leg, paths, 1 + (int)random_number(3), random_number(100), flags);
    else
        zoo->players[at] = leg_tones(leg, items, 1 + (int)random_number(3), (int)random_number(3) - 1, 5000, flags);
}

static void zoo_detect(struct zoo *zoo, struct leg *leg)
{
    static const struct detector_tone tones[] = {{0, 0, 20}, {440, 480, 50}, {1100, 0, 400}};
    struct detector **detector = &zoo->detectors[random_number(8)];
    struct effect **effect = &zoo->effects[random_number(4)];
    char error[ENGINE_TEXT];
    if (random_number(2) && *detector) {
        detector_close(*detector);
        *detector = NULL;
    } else if (!*detector) {
        *detector = leg_detector(leg, (int)random_number(5), 1 + (int)random_number(2), tones, 3,
                                 10 + 10 * (int)random_number(3), 0.6);
    } else if (*effect) {
        effect_close(*effect);
        *effect = NULL;
    } else {
        *effect = leg_effect(leg, 1 + (int)random_number(2), random_number(2) ? 8000 : 16000, (int)random_number(2),
                             (int)random_number(2) * 5000, 0.5 + random_number(3) * 0.5, (int)random_number(2), error);
    }
    if (!random_number(4)) {
        int at = (int)random_number(PLAYERS), from = find_leg(zoo, false);
        int place = random_number(2) ? PLAY_MUSIC : PLAY_MIX;
        struct player *player = from >= 0 ? leg_relay(leg, zoo->legs[from], place) : NULL;
        if (player && zoo->players[at])
            player_order(player, PLAYER_STOP, 0);
        else if (player)
            zoo->players[at] = player;
    }
    if (!random_number(4)) {
        uint8_t octets[16] = {0x80, 2, 3, 4};
        struct player *player = leg_fsk(leg, (int)random_number(2), octets, 16, 30, 20, 4000, PLAY_MIX);
        int at = (int)random_number(PLAYERS);
        if (zoo->players[at])
            player_order(player, PLAYER_STOP, 0);
        else
            zoo->players[at] = player;
    }
}

static void zoo_listen(struct zoo *zoo, struct leg *leg)
{
    int which = (int)random_number(4);
    if (random_number(2)) {
        struct watch **watch = &zoo->watches[which + 4 * (int)random_number(2)];
        if (*watch) {
            watch_close(*watch);
            *watch = NULL;
        } else {
            *watch = leg_watch(leg, 100, 50, 256);
        }
    } else if (zoo->recorders[which]) {
        recorder_order(zoo->recorders[which], (int)random_number(3), random_number(200));
    } else {
        static const char *const formats[] = {"wav", "gsm", "sln16", "ulaw"};
        char path[96];
        snprintf(path, sizeof(path), "%s/r%d.%s", zoo->folder, which, formats[which]);
        zoo->recorders[which] = leg_record(leg, path, formats[which], 1 + (int)random_number(3), random_number(2), 256);
    }
}

static void zoo_change(struct zoo *zoo, struct leg *leg, bool rtp)
{
    int other = find_leg(zoo, false);
    switch (random_number(15)) {
    case 0:
        leg_disconnect(leg);
        break;
    case 1:
        leg_loopback(leg, random_number(3) == 0);
        break;
    case 2:
        leg_gain(leg, (double)random_number(20) - 10, random_number(2) ? 0 : 3);
        break;
    case 3:
        leg_mute(leg, (int)random_number(4), (int)random_number(2));
        break;
    case 4:
        leg_detect_digits(leg, (int)random_number(2), (int)random_number(2));
        break;
    case 5:
        leg_digit(leg, "0123456789*#ABCDwWx!"[random_number(20)], (int)random_number(200));
        break;
    case 6:
        leg_digit_begin(leg, '5');
        break;
    case 7:
        leg_digit_end(leg, '5', (int)random_number(200));
        break;
    case 8:
        if (random_number(4))
            mixer_add(zoo->mixer, leg, (int)random_number(4));
        else
            mixer_remove(zoo->mixer, leg);
        break;
    case 9:
        if (rtp)
            set_codecs(leg, (int)random_number(8));
        break;
    case 10:
        if (rtp)
            rtp_option(leg, (int)random_number(RTP_SOURCES + 1), (int)random_number(4));
        break;
    case 12:
        other = find_leg(zoo, true);
        if (rtp && other >= 0)
            rtp_bundle(leg, random_number(3) ? zoo->legs[other] : NULL);
        break;
    case 11:
        if (rtp)
            rtp_remote(leg, random_number(4) ? "192.0.2.7" : "2001:db8::1", 4000, 4001);
        break;
    default:
        if (other >= 0 && zoo->legs[other] != leg)
            leg_connect(leg, zoo->legs[other], (int)random_number(2));
    }
}

static void zoo_packets(struct zoo *zoo, uint32_t tick)
{
    for (int i = 0; i < LEGS; i++) {
        if (!zoo->legs[i] || !zoo->rtp[i] || !random_number(8))
            continue;
        if (!random_number(20)) {
            uint8_t junk[200];
            int count = (int)random_number(200);
            for (int k = 0; k < count; k++)
                junk[k] = (uint8_t)random_number(256);
            if (count && random_number(2))
                junk[0] = (uint8_t)(0x80 | (junk[0] & 0x3f));
            engine_inject(zoo->engine, leg_port(zoo->legs[i]) + (int)random_number(2), "192.0.2.7", 4000, junk, count);
        }
        int type = random_number(10) ? 96 + (i + (int)(tick / 300)) % 8 : (int)random_number(128);
        inject(zoo->engine, zoo->legs[i], type, (uint16_t)tick, tick * 160, 12 + (int)random_number(300));
        if (!random_number(6))
            inject(zoo->engine, zoo->legs[i], 101, (uint16_t)tick, tick / 8 * 1280, 16);
    }
}

static void whatever_happens_nothing_breaks(void)
{
    static struct zoo zoo;
    struct leg *source;
    memset(&zoo, 0, sizeof(zoo));
    snprintf(zoo.folder, sizeof(zoo.folder), "/tmp/offhook-zoo-XXXXXX");
    CHECK(mkdtemp(zoo.folder));
    zoo.engine = begin();
    zoo.mixer = mixer_new(zoo.engine, 0, 0);
    source = leg_null(zoo.engine, 8000); /* files to play */
    char path[96];
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/%s", zoo.folder, i ? "b.gsm" : "a.wav");
        struct recorder *recorder = leg_record(source, path, i ? "gsm" : "wav", DIRECTION_IN, 0, 256);
        engine_tick(zoo.engine, 50);
        recorder_order(recorder, RECORDER_STOP, 0);
        engine_tick(zoo.engine, 3);
        zoo_events(&zoo);
    }
    for (uint32_t tick = 0; tick < 12000; tick++) {
        if (!random_number(3))
            zoo_make(&zoo);
        int at = find_leg(&zoo, false);
        if (at >= 0 && !random_number(2))
            zoo_change(&zoo, zoo.legs[at], zoo.rtp[at]);
        if (at >= 0 && !random_number(4))
            zoo_play(&zoo, zoo.legs[at]);
        if (at >= 0 && !random_number(10))
            zoo_listen(&zoo, zoo.legs[at]);
        if (at >= 0 && !random_number(8))
            zoo_detect(&zoo, zoo.legs[at]);
        if (at >= 0 && !random_number(25)) {
            leg_close(zoo.legs[at]);
            zoo.legs[at] = NULL;
        }
        if (!random_number(500)) {
            mixer_close(zoo.mixer);
            zoo.mixer = mixer_new(zoo.engine, random_number(2) ? 0 : 16000, random_number(2) ? 0 : 12000);
        }
        zoo_packets(&zoo, tick);
        engine_tick(zoo.engine, 1 + (int)random_number(2));
        if (random_number(4))
            zoo_events(&zoo);
        drop_sent(zoo.engine);
    }
    zoo_events(&zoo);
    finish(zoo.engine);
    snprintf(path, sizeof(path), "rm -r %s", zoo.folder);
    CHECK(system(path) == 0);
}

int main(void)
{
    RUN(whatever_happens_nothing_breaks);
    return check_result();
}
