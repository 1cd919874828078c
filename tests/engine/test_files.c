/* Sound files: what is written is read back, in every format; broken files are
 * refused or survived. */
#include "check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "soundfile.h"

static char folder[64];

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void write_bytes(const char *name, const void *bytes, size_t count)
{
    int descriptor = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(write(descriptor, bytes, count) == (ssize_t)count);
    close(descriptor);
}

static int64_t size_of(const char *name)
{
    struct stat status;
    return stat(path_of(name), &status) ? -1 : status.st_size;
}

/* Write seconds of a 500 Hz tone in odd pieces. */
static void write_tone(const char *name, const char *extension, bool append, double seconds, int64_t truncate)
{
    char error[SOUNDFILE_ERROR] = "";
    struct soundfile *file = soundfile_write_open(path_of(name), extension, append, error);
    CHECK(file, "%s", error);
    if (!file)
        return;
    int rate = soundfile_rate(file), total = (int)(seconds * rate);
    int16_t sound[333];
    for (int at = 0; at < total;) {
        int some = total - at < 333 ? total - at : 333;
        make_sine(sound, some, 500, 8000, rate, at);
        CHECK(soundfile_write(file, sound, some));
        at += some;
    }
    CHECK(soundfile_finish(file, truncate));
}

static int read_all(const char *name, int16_t **sound, int *rate)
{
    char error[SOUNDFILE_ERROR] = "";
    struct soundfile *file = soundfile_read_open(path_of(name), error);
    CHECK(file, "%s", error);
    if (!file)
        return 0;
    int total = 0, got;
    *rate = soundfile_rate(file);
    *sound = calloc(1000000, sizeof(int16_t));
    while ((got = soundfile_read(file, *sound + total, 517)) > 0)
        total += got;
    CHECK(got == 0);
    soundfile_close(file);
    return total;
}

static void every_format_is_read_back(void)
{
    static const char *const formats[] = {
        "ulaw",    "alaw",    "gsm",   "wav",   "wav16", "WAV",   "wav49",  "g722",  "sln",     "sln12",
        "sln16",   "sln24",   "sln32", "sln44", "sln48", "sln96", "sln192", "au",    "g726-32", "g726-24",
        "g726-16", "g726-40", "vox",   "pcm",   "opus",  "spx",   "spx16",  "spx32", "g729",    "ogg"};
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        char name[64];
        int16_t *sound = NULL;
        int rate = 0;
        snprintf(name, sizeof(name), "tone.%s", formats[i]);
        write_tone(name, formats[i], false, 1.0, 0);
        int total = read_all(name, &sound, &rate);
        CHECK(abs(total - rate) <= rate / 20, "%s: %d samples at %d", formats[i], total, rate);
        double amplitude = amplitude_of(sound + rate / 4, rate / 2, 500, rate);
        CHECK(fabs(amplitude - 8000) < 1200, "%s: amplitude %.0f", formats[i], amplitude);
        free(sound);
    }
}

static void linear_files_are_exact(void)
{
    int16_t *sound, expected[8000];
    int rate;
    write_tone("exact.wav", "wav", false, 1.0, 0);
    CHECK(read_all("exact.wav", &sound, &rate) == 8000 && rate == 8000);
    make_sine(expected, 8000, 500, 8000, 8000, 0);
    CHECK(!memcmp(sound, expected, sizeof(expected)));
    CHECK(size_of("exact.wav") == 44 + 16000);
    free(sound);
}

static void appending_goes_on_and_truncating_takes_away(void)
{
    int16_t *sound;
    int rate;
    write_tone("more.wav", "wav", false, 1.0, 0);
    write_tone("more.wav", "wav", true, 0.5, 0);
    CHECK(read_all("more.wav", &sound, &rate) == 12000);
    free(sound);
    write_tone("more.gsm", "gsm", false, 1.0, 0);
    write_tone("more.gsm", "gsm", true, 1.0, 4000);
    CHECK(size_of("more.gsm") == 33 * 75, "%ld", (long)size_of("more.gsm"));
    write_tone("more.WAV", "WAV", false, 1.0, 0);
    write_tone("more.WAV", "WAV", true, 1.0, 0);
    CHECK(read_all("more.WAV", &sound, &rate) == 25 * 2 * 320);
    free(sound);
    write_tone("none.wav", "wav", false, 0.2, 100000);
    CHECK(size_of("none.wav") == 44);
}

static void any_place_can_be_gone_to(void)
{
    static const char *const formats[] = {"wav", "ulaw", "gsm", "g722", "WAV", "opus", "spx", "spx16"};
    for (int i = 0; i < 8; i++) {
        char name[32], error[SOUNDFILE_ERROR] = "";
        int16_t sound[1000];
        snprintf(name, sizeof(name), "seek.%s", formats[i]);
        write_tone(name, formats[i], false, 2.0, 0);
        struct soundfile *file = soundfile_read_open(path_of(name), error);
        int rate = soundfile_rate(file);
        CHECK(llabs(soundfile_length(file) - 2 * rate) <= rate / 25, "%s", formats[i]);
        CHECK(soundfile_read(file, sound, 1000) == 1000);
        CHECK(soundfile_seek(file, rate * 3 / 2));
        int total = 0, got;
        while ((got = soundfile_read(file, sound, 1000)) > 0)
            total += got;
        CHECK(abs(total - rate / 2) <= rate * 2 / 25, "%s: %d left", formats[i], total);
        CHECK(soundfile_seek(file, 1000000000) && soundfile_read(file, sound, 10) == 0);
        CHECK(soundfile_seek(file, -5) && soundfile_read(file, sound, 10) == 10);
        soundfile_close(file);
    }
}

static void foreign_wave_files_are_read_or_refused_with_a_reason(void)
{
    char error[SOUNDFILE_ERROR];
    int16_t *sound;
    int rate;
    /* a chunk before the format, G.711 in a WAVE, an odd chunk size, a data size
     * of 0 */
    static const unsigned char alaw[] = "RIFF\0\0\0\0WAVELIST\3\0\0\0abc\0fmt "
                                        "\20\0\0\0\6\0\1\0\100\37\0\0\100\37\0\0\1\0\10\0"
                                        "data\0\0\0\0\325\325\325\325";
    write_bytes("alaw.wav", alaw, sizeof(alaw) - 1);
    CHECK(read_all("alaw.wav", &sound, &rate) == 4 && rate == 8000 && sound[0] == 8);
    free(sound);
    static const unsigned char stereo[] = "RIFF\0\0\0\0WAVEfmt \20\0\0\0\1\0\2\0\200\76\0\0\0\0\0\0\4\0\20\0"
                                          "data\10\0\0\0\144\0\310\0\0\0\2\0";
    write_bytes("stereo.wav", stereo, sizeof(stereo) - 1);
    CHECK(read_all("stereo.wav", &sound, &rate) == 2 && rate == 16000 && sound[0] == 150 && sound[1] == 1);
    free(sound);
    static const unsigned char mp3[] = "RIFF\0\0\0\0WAVEfmt "
                                       "\20\0\0\0\125\0\1\0\100\37\0\0\0\0\0\0\1\0\0\0data\4\0\0\0abcd";
    write_bytes("mp3.wav", mp3, sizeof(mp3) - 1);
    CHECK(!soundfile_read_open(path_of("mp3.wav"), error) && strstr(error, "convert it"), "%s", error);
    write_bytes("text.wav", "hello, this is no sound", 23);
    CHECK(!soundfile_read_open(path_of("text.wav"), error) && strstr(error, "not a WAVE file"), "%s", error);
    CHECK(!soundfile_read_open(path_of("missing.gsm"), error) && strstr(error, "No such file"), "%s", error);
    CHECK(!soundfile_read_open(path_of("prompt.mp3"), error) && strstr(error, "extension"), "%s", error);
    CHECK(!soundfile_read_open("/noextension", error));
    CHECK(!soundfile_write_open("/proc/nowhere/x.wav", "wav", false, error) && error[0]);
    CHECK(!soundfile_write_open(path_of("x"), "mp3", false, error) && error[0]);
}

static void cut_off_and_garbled_files_do_no_harm(void)
{
    static const char *const names[] = {"wav", "WAV", "au", "gsm", "g722", "ulaw", "sln"};
    for (int round = 0; round < 700; round++) {
        unsigned char bytes[300];
        char name[32], error[SOUNDFILE_ERROR];
        int16_t sound[4000];
        snprintf(name, sizeof(name), "junk.%s", names[round % 7]);
        size_t count = random_number(sizeof(bytes));
        for (size_t i = 0; i < count; i++)
            bytes[i] = (unsigned char)random_number(256);
        if (round % 7 < 2 && count > 60) {
            memcpy(bytes, "RIFF\0\0\0\0WAVEfmt \20\0\0\0\1\0\1\0\100\37\0\0", 28);
            memcpy(bytes + 28, "\200\76\0\0\2\0\20\0data", 12);
            if (random_number(2))
                bytes[20 + random_number(16)] = (unsigned char)random_number(256);
        }
        write_bytes(name, bytes, count);
        struct soundfile *file = soundfile_read_open(path_of(name), error);
        if (!file)
            continue;
        while (soundfile_read(file, sound, 4000) > 0) {
        }
        soundfile_seek(file, (int64_t)random_number(100000));
        soundfile_read(file, sound, 4000);
        soundfile_close(file);
    }
}

static void spoiled_ogg_files_do_no_harm(void)
{
    static const char *const names[] = {"spoil.opus", "spoil.spx"};
    for (int which = 0; which < 2; which++) {
        static unsigned char whole[100000], spoiled[100000];
        write_tone(names[which], strrchr(names[which], '.') + 1, false, 2.0, 0);
        int descriptor = open(path_of(names[which]), O_RDONLY);
        ssize_t size = read(descriptor, whole, sizeof(whole));
        close(descriptor);
        CHECK(size > 1000);
        for (int round = 0; round < 200; round++) {
            char error[SOUNDFILE_ERROR];
            int16_t sound[4000];
            int total = 0, got;
            memcpy(spoiled, whole, (size_t)size);
            for (int i = 0; i < 1 + round % 8; i++)
                spoiled[random_number((uint32_t)size)] = (uint8_t)random_number(256);
            write_bytes(names[which], spoiled, round % 3 ? (size_t)size : random_number((uint32_t)size) + 1);
            struct soundfile *file = soundfile_read_open(path_of(names[which]), error);
            if (!file)
                continue;
            soundfile_length(file);
            while ((got = soundfile_read(file, sound, 4000)) > 0 && total < 10000000)
                total += got;
            CHECK(total < 10000000);
            soundfile_seek(file, (int64_t)random_number(100000));
            soundfile_read(file, sound, 4000);
            soundfile_close(file);
        }
    }
}

static void not_everything_in_ogg_is_sound(void)
{
    char error[SOUNDFILE_ERROR];
    unsigned char page[60] = "OggS";
    page[26] = 1;
    page[27] = 30;
    memcpy(page + 28, "\001vorbis", 7);
    write_bytes("music.ogg", page, 58);
    CHECK(!soundfile_read_open(path_of("music.ogg"), error));
    CHECK(strstr(error, "neither Opus nor Speex"), "%s", error);
    write_bytes("music.ogg", "nothing", 7);
    CHECK(!soundfile_read_open(path_of("music.ogg"), error));
    CHECK(strstr(error, "not an Ogg file"), "%s", error);
}

int main(void)
{
    snprintf(folder, sizeof(folder), "/tmp/offhook-files-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    RUN(every_format_is_read_back);
    RUN(linear_files_are_exact);
    RUN(appending_goes_on_and_truncating_takes_away);
    RUN(any_place_can_be_gone_to);
    RUN(foreign_wave_files_are_read_or_refused_with_a_reason);
    RUN(cut_off_and_garbled_files_do_no_harm);
    RUN(spoiled_ogg_files_do_no_harm);
    RUN(not_everything_in_ogg_is_sound);
    char command[96];
    snprintf(command, sizeof(command), "rm -r %s", folder);
    CHECK(system(command) == 0);
    return check_result();
}
