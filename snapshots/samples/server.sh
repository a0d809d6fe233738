#!/bin/sh
# Captures a web server and its backends: server.sh COLLECTOR OUTPUT [SECONDS…] (as root).
# nginx proxies to an application over a Unix socket and to another one over TCP; both use
# PostgreSQL and Redis, the first over Unix sockets, the second over TCP.
#
# Debian 12 packages: iproute2 nginx postgresql procps python3 python3-psycopg2 redis-server util-linux
set -eu
scene=server
. "$(dirname "$0")/scene.sh"
[ "${1-}" = inside ] || { enter web1 "$@"; exit; }
settle_in
need nginx redis-server redis-cli psql python3 ss

add_user shop 990 /var/lib/shop
add_user alice 1000 /home/alice
redis_socket=/run/redis/redis-server.sock
install -d -o shop -g shop /run/shop
install -d -o postgres -g postgres /run/postgresql /var/lib/postgresql /var/log/postgresql
install -d -o redis -g redis /run/redis /var/lib/redis
install -d /var/lib/nginx /var/log/nginx

listens() { # listens PORT
    [ -n "$(ss -Hltn "sport = :$1")" ]
}
sessions() { # sessions COUNT CONDITION: so many of the shop's in PostgreSQL
    [ "$(as postgres psql -h /run/postgresql -AtXc \
        "select count(*) from pg_stat_activity where usename = 'shop' and $2")" = "$1" ]
}
redis_clients() { # redis_clients COUNT PATTERN
    [ "$(redis-cli -s $redis_socket client list | grep -c "$2")" = "$1" ]
}

postgres=$(echo /usr/lib/postgresql/*/bin)
[ -x "$postgres/postgres" ] || fail "PostgreSQL (one version of it) is not installed"
data=/var/lib/postgresql/main
as postgres "$postgres/initdb" --no-sync --auth-local=peer --auth-host=trust -D $data >/dev/null
start system.slice/postgresql.service postgres "$postgres/postgres" -D $data -k /run/postgresql -c listen_addresses=127.0.0.1
await PostgreSQL as postgres psql -h /run/postgresql -c 'select 1'
as postgres createuser -h /run/postgresql shop
as postgres createdb -h /run/postgresql -O shop shop

start system.slice/redis-server.service redis redis-server --bind 127.0.0.1 --port 6379 --save '' \
    --dir /var/lib/redis --unixsocket $redis_socket --unixsocketperm 777
await Redis redis-cli -s $redis_socket ping

mkdir /opt/shop
cp /run/scene/server_app.py /opt/shop/app.py
start system.slice/shop.service shop python3 /opt/shop/app.py serve \
    /run/shop/app.sock /run/postgresql $redis_socket 4 commit
start system.slice/reports.service shop python3 /opt/shop/app.py serve 8000 127.0.0.1 6379 2 forget
await "the shop" test -S /run/shop/app.sock
await "the reports" listens 8000

cat >/etc/nginx/nginx.conf <<'CONF'
user www-data;
worker_processes 3;
pid /run/nginx.pid;
daemon off;
error_log stderr;
events {}
http {
    access_log off;
    upstream shop { server unix:/run/shop/app.sock; keepalive 8; keepalive_timeout 1h; }
    upstream reports { server 127.0.0.1:8000; keepalive 8; keepalive_timeout 1h; }
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    keepalive_timeout 1h;
    server {
        listen 127.0.0.1:80;
        location / { proxy_pass http://shop; }
        location /reports/ { proxy_pass http://reports; }
    }
}
CONF
start system.slice/nginx.service root nginx
await nginx listens 80

start user.slice/user-1000.slice/session-1.scope alice python3 /opt/shop/app.py visit 8 / /reports/
await "the visitors' answers" grep -q '^all 8 answered$' /run/scene/session-1.scope.log

# The scene is complete when all workers have connected to the servers.
await "four idle sessions over the Unix socket" sessions 4 "client_addr is null and state = 'idle'"
await "two sessions over TCP, idle in transaction" sessions 2 "client_addr is not null and state = 'idle in transaction'"
await "four clients of Redis over the Unix socket" redis_clients 4 'flags=U .* cmd=\(ping\|incr\)'
await "two clients of Redis over TCP" redis_clients 2 'addr=127.0.0.1'
await_quiet

capture "$@"
echo "web1: $(processes) processes, $(grep -c ' 03 ' /proc/net/unix) connected Unix ends," \
    "$(ss -Htn state established | wc -l) TCP ends; nginx, shop, reports, PostgreSQL and Redis up"
