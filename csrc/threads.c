/* The thread pool.
 *
 * Not OpenMP: libgomp hangs in a forked child, several copies of it in one process are undefined behaviour, and its
 * size ignores container quotas.  The workers are created at the first parallel call, spin for a while and then sleep on a
 * futex (a condition variable where there is none), take chunks from a shared counter, and are forgotten after fork() so
 * that the child makes its own.  A second thread that calls in while the pool is busy runs its chunks itself: the results
 * are the same, because chunks depend on shapes alone. */
#define _GNU_SOURCE /* sched_getcpu */
#include "threads.h"

#include <pthread.h>
#include <signal.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* A worker that sleeps takes 25 to 50 us to come back in a virtual machine; the kernels of a step follow each other faster
 * than that.  So it looks out for the next job for a while first (4 chunks of 50 us on two threads: 150 us where it
 * sleeps at once, 100 us with this).  Longer, and it takes time from other processes where processors are scarce.
 * Measured in time, since a pause lasts 10 cycles on one processor and 140 on the next.  Where it was woken on the caller's
 * own processor it lets that go on (5 us became 110 before); to let others run at any time costs more than it gives: beside a
 * process on every processor a step took 4 times as long instead of 2.4. */
enum { MAX_THREADS = 256, SPIN_NS = 100000, PAUSES = 64, SLOTS = 4 };

/* A number that threads wait on until it changes; `sleepers` spares the system call when nobody sleeps. */
typedef struct {
  _Alignas(64) atomic_int word;
  atomic_int sleepers;
} fn_signal;

static struct {
  pthread_mutex_t owner; /* held by the thread whose job runs */
  pthread_t workers[MAX_THREADS];
  atomic_int size; /* threads wanted, the caller included */
  int running;     /* workers that exist */
  atomic_int stop;
  atomic_int caller;  /* processor on which the last job began */
  fn_signal ticket;   /* goes up by one with each job: what workers wait on */
  fn_signal finished; /* 1 when the job is done: what the caller waits on */
  /* The job.  Its fields are read only by a thread that has taken one of its chunks, so they cannot change meanwhile. */
  void (*body)(void *ctx, int64_t chunk);
  void *ctx;
  int64_t chunks;
  _Alignas(64) atomic_llong left; /* chunks that nobody has taken; below zero when late workers looked in */
  _Alignas(64) atomic_llong done; /* chunks that are complete */
} pool = {.owner = PTHREAD_MUTEX_INITIALIZER, .size = 1};

/* ---- Waiting ---- */

void fn_pause(void) {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#ifdef __linux__
static void sleep_while(atomic_int *word, int value) { syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0); }
static void wake(atomic_int *word, int threads) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, threads, NULL, NULL, 0); }
static void forget_sleepers(void) {}
#else
static pthread_mutex_t sleep_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t sleep_cond = PTHREAD_COND_INITIALIZER;
static void sleep_while(atomic_int *word, int value) {
  pthread_mutex_lock(&sleep_lock);
  while (atomic_load(word) == value) pthread_cond_wait(&sleep_cond, &sleep_lock);
  pthread_mutex_unlock(&sleep_lock);
}
static void wake(atomic_int *word, int threads) {
  (void)word, (void)threads; /* one condition serves all words */
  pthread_mutex_lock(&sleep_lock);
  pthread_cond_broadcast(&sleep_cond);
  pthread_mutex_unlock(&sleep_lock);
}
static void forget_sleepers(void) {
  pthread_mutex_init(&sleep_lock, NULL);
  pthread_cond_init(&sleep_cond, NULL);
}
#endif

static int64_t nanoseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The processor that the calling thread runs on; -1 where the system does not say. */
static int this_processor(void) {
#ifdef __linux__
  return sched_getcpu();
#else
  return -1;
#endif
}

static void wait_while(fn_signal *signal, int value) {
  if (atomic_load(&signal->word) != value) return;
  for (int64_t until = nanoseconds() + SPIN_NS; nanoseconds() < until;) {
    for (int i = 0; i < PAUSES; i++) {
      fn_pause();
      if (atomic_load(&signal->word) != value) return;
    }
    if (signal == &pool.ticket && atomic_load(&pool.caller) == this_processor()) sched_yield();
  }
  atomic_fetch_add(&signal->sleepers, 1);
  while (atomic_load(&signal->word) == value) sleep_while(&signal->word, value);
  atomic_fetch_sub(&signal->sleepers, 1);
}

/* The change first, then the look at sleepers: who goes to sleep does it the other way round, so one of the two sees the other. */
static void set_signal(fn_signal *signal, int value, int64_t threads) {
  atomic_store(&signal->word, value);
  if (atomic_load(&signal->sleepers)) wake(&signal->word, (int)FN_MIN(threads, MAX_THREADS));
}

/* ---- Denormals are flushed while kernels run: they slow a multiply down 2.4 times and mean nothing in training ---- */

#if defined(__x86_64__)
unsigned fn_flush_denormals(void) {
  unsigned before = _mm_getcsr();
  _mm_setcsr(before | 0x8040); /* flush to zero, denormals are zero */
  return before;
}
void fn_restore_denormals(unsigned before) { _mm_setcsr(before); }
#elif defined(__aarch64__)
unsigned fn_flush_denormals(void) {
  uint64_t before;
  __asm__ volatile("mrs %0, fpcr" : "=r"(before));
  __asm__ volatile("msr fpcr, %0" : : "r"(before | 1 << 24)); /* flush to zero, of what comes in as well */
  return (unsigned)before;
}
void fn_restore_denormals(unsigned before) { __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)before)); }
#else
unsigned fn_flush_denormals(void) { return 0; }
void fn_restore_denormals(unsigned before) { (void)before; }
#endif

/* ---- The pool ---- */

/* Takes chunks until none is left.  The caller waits for chunks, not for workers: one that the system has put aside
 * costs nothing, and when it comes late it finds `left` at or below zero, or helps with the next job. */
static void take_chunks(void) {
  for (int64_t taken; (taken = atomic_fetch_sub(&pool.left, 1)) > 0;) {
    int64_t chunks = pool.chunks;
    pool.body(pool.ctx, chunks - taken);
    if (atomic_fetch_add(&pool.done, 1) + 1 == chunks) set_signal(&pool.finished, 1, 1);
  }
}

static void *work(void *arg) {
  int seen = (int)(intptr_t)arg;
  fn_flush_denormals();
  for (;;) {
    wait_while(&pool.ticket, seen);
    seen = atomic_load(&pool.ticket.word);
    if (atomic_load(&pool.stop)) return NULL;
    take_chunks();
  }
}

/* Signals are for the threads of the program, except those that say that this one has crashed. */
int fn_start_thread(pthread_t *thread, void *(*body)(void *), void *arg) {
  const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
  sigset_t others, before;
  sigfillset(&others);
  for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) sigdelset(&others, crashes[i]);
  pthread_sigmask(SIG_BLOCK, &others, &before);
  int failed = pthread_create(thread, NULL, body, arg);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return failed;
}

static void start_workers(void) {
  int ticket = atomic_load(&pool.ticket.word);
  while (pool.running < atomic_load(&pool.size) - 1) {
    if (fn_start_thread(&pool.workers[pool.running], work, (void *)(intptr_t)ticket)) break; /* fewer will do */
    pool.running++;
  }
}

static void stop_workers(void) {
  atomic_store(&pool.stop, 1);
  set_signal(&pool.ticket, (int)((unsigned)atomic_load(&pool.ticket.word) + 1), MAX_THREADS);
  for (int i = 0; i < pool.running; i++) pthread_join(pool.workers[i], NULL);
  pool.running = 0;
  atomic_store(&pool.stop, 0);
}

/* The child of a fork has the memory of the workers, not the workers; a job that another thread of the parent was in is
 * nobody's here, and its lock would stay shut for ever. */
static void forget_workers(void) {
  pthread_mutex_init(&pool.owner, NULL);
  pool.running = 0;
  atomic_store(&pool.stop, 0);
  atomic_store(&pool.left, 0);
  atomic_store(&pool.ticket.sleepers, 0);
  atomic_store(&pool.finished.sleepers, 0);
  forget_sleepers();
}

static void watch_forks(void) { pthread_atfork(NULL, NULL, forget_workers); }

int fn_get_threads(void) { return atomic_load(&pool.size); }

void fn_set_threads(int threads) {
  static pthread_once_t watching = PTHREAD_ONCE_INIT;
  pthread_once(&watching, watch_forks);
  pthread_mutex_lock(&pool.owner);
  threads = threads < 1 ? 1 : FN_MIN(threads, MAX_THREADS);
  if (pool.running >= threads) stop_workers();
  atomic_store(&pool.size, threads);
  pthread_mutex_unlock(&pool.owner);
}

/* The same for threadpoolctl, which looks them up by name: with the functions of launch.pyx the only names that the
 * library shows. */
__attribute__((visibility("default"))) int fastnn_get_num_threads(void) { return fn_get_threads(); }
__attribute__((visibility("default"))) void fastnn_set_num_threads(int threads) { fn_set_threads(threads); }

static _Thread_local int alone;

void fn_stay_alone(void) { alone = 1; }

void fn_parallel(int64_t chunks, void (*body)(void *ctx, int64_t chunk), void *ctx) {
  if (chunks <= 1 || alone || atomic_load_explicit(&pool.size, memory_order_relaxed) <= 1 || pthread_mutex_trylock(&pool.owner)) {
    for (int64_t i = 0; i < chunks; i++) body(ctx, i);
    return;
  }
  if (pool.running < atomic_load(&pool.size) - 1) start_workers();
  pool.body = body;
  pool.ctx = ctx;
  pool.chunks = chunks;
  atomic_store(&pool.caller, this_processor());
  atomic_store(&pool.done, 0);
  atomic_store(&pool.finished.word, 0);
  atomic_store(&pool.left, chunks);
  if (pool.running) set_signal(&pool.ticket, (int)((unsigned)atomic_load(&pool.ticket.word) + 1), chunks - 1);
  take_chunks();
  wait_while(&pool.finished, 0);
  pthread_mutex_unlock(&pool.owner);
}

/* ---- Scratch memory ---- */

#ifdef __SANITIZE_ADDRESS__
enum { SCRATCH_STEP = 1, SCRATCH_KEPT = 0 }; /* exact and fresh: so that the sanitizer sees an access beyond the end */
#else
enum { SCRATCH_STEP = 4096, SCRATCH_KEPT = 1 };
#endif

typedef struct {
  void *p[SLOTS];
  size_t size[SLOTS];
} scratch_slots;

static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;
static _Thread_local scratch_slots *scratch;

static void free_scratch(void *arg) {
  scratch_slots *s = arg;
  for (int i = 0; i < SLOTS; i++) free(s->p[i]);
  free(s);
}

static void make_scratch_key(void) { pthread_key_create(&scratch_key, free_scratch); }

void *fn_scratch(int slot, size_t bytes) {
  if (!scratch) {
    pthread_once(&scratch_once, make_scratch_key);
    if (!(scratch = calloc(1, sizeof *scratch))) return NULL;
    pthread_setspecific(scratch_key, scratch);
  }
  if (scratch->size[slot] < bytes || !scratch->p[slot]) {
    free(scratch->p[slot]);
    size_t size = FN_MAX((bytes + SCRATCH_STEP - 1) / SCRATCH_STEP * SCRATCH_STEP, (size_t)SCRATCH_STEP);
    scratch->p[slot] = fn_aligned(size);
    scratch->size[slot] = scratch->p[slot] && SCRATCH_KEPT ? size : 0;
  }
  return scratch->p[slot];
}

/* 64-byte aligned; from 2 MB on 2 MB aligned and, where the system can, in huge pages: a fresh large array costs
 * seven times as much without them. */
void *fn_aligned(size_t bytes) {
  const size_t huge = (size_t)2 << 20;
  void *p = NULL;
  if (posix_memalign(&p, bytes >= huge ? huge : 64, bytes)) return NULL;
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  if (bytes >= huge) madvise(p, bytes, MADV_HUGEPAGE);
#endif
  return p;
}

/* ---- What went wrong with an index ---- */

static _Thread_local int64_t bad_index[3];

int fn_bad_index(int64_t position, int64_t value, int64_t limit) {
  bad_index[0] = position, bad_index[1] = value, bad_index[2] = limit;
  return FN_BAD_INDEX;
}

const int64_t *fn_last_bad_index(void) { return bad_index; }
