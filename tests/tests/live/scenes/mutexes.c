// Threads that wait for locks of others: `reader` holds a mutex and a read-write lock while it waits for a
// reply of its parent's socket; `one` and `two` hold a mutex each and wait for the other.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER, first = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t second = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t shared = PTHREAD_RWLOCK_INITIALIZER;
static int ends[2];

#define THREAD(name, body) \
    static void *name(void *unused) { \
        printf(#name " %u\n", (unsigned)syscall(SYS_gettid)); \
        fflush(stdout); \
        body; \
        for (;;) pause(); \
    }

THREAD(reader, {
    char byte;
    pthread_mutex_lock(&held);
    pthread_rwlock_wrlock(&shared);
    read(ends[0], &byte, 1);
})
THREAD(at_mutex, pthread_mutex_lock(&held))
THREAD(at_rwlock, pthread_rwlock_rdlock(&shared))
THREAD(one, { pthread_mutex_lock(&first); usleep(200000); pthread_mutex_lock(&second); })
THREAD(two, { pthread_mutex_lock(&second); usleep(200000); pthread_mutex_lock(&first); })

int main(void) {
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    pid_t server = fork();
    if (server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[0]);
        for (;;) sleep(1000);
    }
    close(ends[1]);
    printf("server %u\n", (unsigned)server);
    pthread_t thread;
    void *(*all[])(void *) = { reader, at_mutex, at_rwlock, one, two };
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        pthread_create(&thread, NULL, all[i], NULL);
        usleep(100000);
    }
    usleep(500000);
    puts("ready");
    fflush(stdout);
    pause();
}
