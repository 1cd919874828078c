/* What is used of libopenr2 (openr2.h) and of io.c, for cffi (build.py). */
typedef void *openr2_chan_t;
typedef void *openr2_context_t;

int openr2_context_get_skip_category_request(openr2_context_t *);
int openr2_context_get_mf_back_timeout(openr2_context_t *);
int openr2_context_get_metering_pulse_timeout(openr2_context_t *);
int openr2_context_get_dtmf_detection(openr2_context_t *);
int openr2_context_get_dtmf_dialing(openr2_context_t *, int *, int *);
int openr2_context_get_ani_first(openr2_context_t *);
int openr2_context_get_immediate_accept(openr2_context_t *);
void openr2_context_set_ani_first(openr2_context_t *, int);
void openr2_context_set_skip_category_request(openr2_context_t *, int);
void openr2_context_set_immediate_accept(openr2_context_t *, int);
void openr2_context_set_mf_threshold(openr2_context_t *, int);
void openr2_context_set_mf_back_timeout(openr2_context_t *, int);
void openr2_context_set_metering_pulse_timeout(openr2_context_t *, int);
void openr2_context_set_double_answer(openr2_context_t *, int);
void openr2_context_set_dtmf_dialing(openr2_context_t *, int, int, int);
void openr2_context_set_dtmf_detection(openr2_context_t *, int);
void openr2_context_set_dtmf_detection_end_timeout(openr2_context_t *, int);
int openr2_context_set_log_directory(openr2_context_t *, char *);
int openr2_context_configure_from_advanced_file(openr2_context_t *, const char *);
void openr2_context_delete(openr2_context_t *);

int openr2_chan_process_event(openr2_chan_t *);
int openr2_chan_handle_cas(openr2_chan_t *);
int openr2_chan_set_idle(openr2_chan_t *);
int openr2_chan_set_blocked(openr2_chan_t *);
int openr2_chan_get_time_to_next_event(openr2_chan_t *);
void openr2_chan_enable_call_files(openr2_chan_t *);
void openr2_chan_disable_call_files(openr2_chan_t *);
const char *openr2_chan_get_rx_cas_string(openr2_chan_t *);
const char *openr2_chan_get_tx_cas_string(openr2_chan_t *);
const char *openr2_chan_get_call_state_string(openr2_chan_t *);
const char *openr2_chan_get_r2_state_string(openr2_chan_t *);
const char *openr2_chan_get_mf_state_string(openr2_chan_t *);
const char *openr2_chan_get_mf_group_string(openr2_chan_t *);
int openr2_chan_get_tx_mf_signal(openr2_chan_t *);
int openr2_chan_get_rx_mf_signal(openr2_chan_t *);

int r2_accept(openr2_chan_t *chan, int with_charge);
int r2_answer(openr2_chan_t *chan, int mode);
int r2_disconnect(openr2_chan_t *chan, int cause);
int r2_make_call(openr2_chan_t *chan, const char *ani, const char *dnis, int category);
int r2_direction(openr2_chan_t *chan);
void r2_set_log_level(openr2_chan_t *chan, int level);

const char *openr2_get_version(void);
const char *openr2_get_revision(void);
int openr2_log_get_level(const char *);
int r2_variant(const char *name);
int r2_variants(void);
const char *r2_variant_name(int place);
const char *r2_variant_country(int place);
int r2_category(const char *name);
const char *r2_category_name(int category);
const char *r2_cause_name(int cause);
const char *r2_error_name(int error);

struct r2_io;
struct r2_io *r2_io_new(int number);
void r2_io_free(struct r2_io *io);
void r2_io_bits(struct r2_io *io, int bits);
void r2_io_event(struct r2_io *io, int event);
int r2_io_sent_bits(struct r2_io *io);
int r2_io_hear(struct r2_io *io, const unsigned char *codes, int count);
void r2_io_say(struct r2_io *io, unsigned char *codes, int count);
void r2_clock(long seconds, long microseconds);
openr2_context_t *r2_context(int variant, int max_ani, int max_dnis);
openr2_chan_t *r2_channel(openr2_context_t *context, struct r2_io *io);
const char *r2_context_error(openr2_context_t *context);

extern "Python" void r2_happened(void *chan, int kind, int value, const char *ani, const char *dnis);
extern "Python" int r2_wants_digit(void *chan, char digit);
extern "Python" void r2_told(void *chan, int level, const char *text);
