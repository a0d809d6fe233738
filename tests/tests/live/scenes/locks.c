// Threads that wait for locks, each of which prints its name and thread id: `owner` holds all of them but
// those of `behind_readers`.
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t plain = PTHREAD_MUTEX_INITIALIZER, timed = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t of_cond = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t recursive, checked, robust, inheriting;
static pthread_rwlock_t written = PTHREAD_RWLOCK_INITIALIZER, read_only = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
// As musl has it: the type, the owner and "has waiters", the number of waiters.
static unsigned other_library[8];
static pthread_t owner_thread;

static unsigned own_id(void) { return syscall(SYS_gettid); }

#define THREAD(name, body) \
    static void *name(void *unused) { \
        printf(#name " %u\n", own_id()); \
        fflush(stdout); \
        body; \
        for (;;) pause(); \
    }

THREAD(owner, {
    pthread_mutex_lock(&plain);
    pthread_mutex_lock(&timed);
    pthread_mutex_lock(&recursive);
    pthread_mutex_lock(&recursive);
    pthread_mutex_lock(&checked);
    pthread_mutex_lock(&robust);
    pthread_mutex_lock(&inheriting);
    pthread_rwlock_wrlock(&written);
    other_library[1] = own_id() | FUTEX_WAITERS;
})
THREAD(reads, pthread_rwlock_rdlock(&read_only))
THREAD(at_plain, pthread_mutex_lock(&plain))
THREAD(at_recursive, pthread_mutex_lock(&recursive))
THREAD(at_checked, pthread_mutex_lock(&checked))
THREAD(at_robust, pthread_mutex_lock(&robust))
THREAD(at_inheriting, pthread_mutex_lock(&inheriting))
THREAD(at_timed, {
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 10000;
    pthread_mutex_timedlock(&timed, &end);
})
THREAD(as_reader, pthread_rwlock_rdlock(&written))
THREAD(as_writer, pthread_rwlock_wrlock(&written))
THREAD(behind_readers, pthread_rwlock_wrlock(&read_only))
THREAD(at_condition, { pthread_mutex_lock(&of_cond); pthread_cond_wait(&cond, &of_cond); })
THREAD(at_other_library, {
    other_library[2] = 1;
    syscall(SYS_futex, &other_library[1], FUTEX_WAIT, other_library[1], NULL, NULL, 0);
})
THREAD(joins, pthread_join(owner_thread, NULL))

static void lock_of_kind(pthread_mutex_t *lock, int type, int robust, int protocol) {
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_settype(&kind, type);
    pthread_mutexattr_setrobust(&kind, robust);
    pthread_mutexattr_setprotocol(&kind, protocol);
    pthread_mutex_init(lock, &kind);
}

int main(void) {
    lock_of_kind(&recursive, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
    lock_of_kind(&checked, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
    lock_of_kind(&robust, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE);
    lock_of_kind(&inheriting, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_INHERIT);
    pthread_t thread;
    pthread_create(&owner_thread, NULL, owner, NULL);
    pthread_create(&thread, NULL, reads, NULL);
    usleep(300000);
    void *(*waiters[])(void *) = {
        at_plain, at_recursive, at_checked, at_robust, at_inheriting, at_timed, as_reader, as_writer,
        behind_readers, at_condition, at_other_library, joins,
    };
    for (unsigned i = 0; i < sizeof waiters / sizeof *waiters; i++) {
        pthread_create(&thread, NULL, waiters[i], NULL);
        usleep(50000);
    }
    usleep(300000);
    puts("ready");
    fflush(stdout);
    for (;;) pause();
}
