// Threads in poll and select, each of which prints its name and thread id; the descriptors before them:
// `idle` never has data, `full` is the write end of a full pipe.
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MANY = 10000, HIGH = 1000 };
static int idle, full, epoll;
static struct pollfd many[MANY];
static struct pollfd *unmapped;

#define THREAD(name, ...) \
    static void *name(void *unused) { \
        printf(#name " %u\n", (unsigned)syscall(SYS_gettid)); \
        fflush(stdout); \
        __VA_ARGS__; \
        for (;;) pause(); \
    }

THREAD(one, {
    struct pollfd set[] = {{idle, POLLIN}};
    syscall(SYS_poll, set, 1, -1);
})
THREAD(three, {
    struct pollfd set[] = {{idle, POLLIN | POLLPRI}, {-1, POLLIN}, {full, POLLOUT}, {idle, 0}};
    syscall(SYS_poll, set, 4, 100000000);
})
THREAD(ten_thousand, syscall(SYS_poll, many, MANY, -1))
THREAD(none, syscall(SYS_poll, NULL, 0, -1))
THREAD(with_mask, {
    struct pollfd set[] = {{idle, POLLIN}, {full, POLLOUT}};
    syscall(SYS_ppoll, set, 2, NULL, NULL, 0);
})
THREAD(selects, {
    fd_set read;
    FD_ZERO(&read);
    FD_SET(HIGH, &read);
    FD_SET(idle, &read);
    syscall(SYS_select, HIGH + 1, &read, NULL, NULL, NULL);
})
THREAD(selects_with_mask, {
    fd_set read, write;
    FD_ZERO(&read);
    FD_ZERO(&write);
    FD_SET(idle, &read);
    FD_SET(full, &write);
    syscall(SYS_pselect6, full + 1, &read, &write, NULL, NULL, NULL);
})
THREAD(epolls, {
    struct epoll_event event;
    syscall(SYS_epoll_wait, epoll, &event, 1, -1);
})
THREAD(loses_its_array, syscall(SYS_poll, unmapped, 1, -1))
THREAD(claims_much, {
    fd_set read;
    FD_ZERO(&read);
    FD_SET(idle, &read);
    syscall(SYS_select, 0x7fffffff, &read, NULL, NULL, NULL);
})
THREAD(at_the_end_of_a_page, {
    char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(pages + 4096, 4096);
    *(unsigned *)(pages + 4092) = 2;
    syscall(SYS_futex, pages + 4092, 0, 2, NULL, NULL, 0);
})

int main(void) {
    int pair[2], pipes[2];
    struct rlimit limit = {MANY + 64, MANY + 64};
    setrlimit(RLIMIT_NOFILE, &limit);
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    pipe2(pipes, O_NONBLOCK);
    while (write(pipes[1], many, sizeof many) > 0) {}
    while (write(pipes[1], many, 1) > 0) {}
    idle = pair[0], full = pipes[1];
    dup2(idle, HIGH);
    epoll = epoll_create1(0);
    struct epoll_event event = {EPOLLIN};
    epoll_ctl(epoll, EPOLL_CTL_ADD, idle, &event);
    for (int i = 0; i < MANY; i++) many[i] = (struct pollfd){idle, POLLIN};
    unmapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unmapped->fd = idle;
    printf("idle %d\nfull %d\n", idle, full);
    void *(*threads[])(void *) = {
        one, three, ten_thousand, none, with_mask, selects, selects_with_mask, epolls, loses_its_array,
        claims_much, at_the_end_of_a_page,
    };
    for (unsigned i = 0; i < sizeof threads / sizeof *threads; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, threads[i], NULL);
    }
    usleep(500000);
    munmap(unmapped, 4096);
    puts("ready");
    fflush(stdout);
    for (;;) pause();
}
