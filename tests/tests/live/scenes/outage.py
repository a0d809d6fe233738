# Clients, HAProxy, nginx, an app with workers, and what the workers wait for (VARIANT).
import struct, subprocess
home, variant = 'HOME', 'VARIANT'
def postgres():
    s = S.socket(S.AF_UNIX); s.connect('PGSOCKET')
    body = struct.pack('!i', 196608) + b'user\0postgres\0database\0postgres\0\0'
    s.sendall(struct.pack('!i', len(body) + 4) + body)
    answer(s); return s
def answer(s):
    data = b''
    while data[-6:-1] != b'Z\0\0\0\5':
        more = s.recv(4096)
        if not more: os._exit(2)
        data += more
def query(s, sql):
    text = sql.encode() + b'\0'
    s.sendall(b'Q' + struct.pack('!i', len(text) + 4) + text); answer(s)
def hold():
    s = postgres(); query(s, 'begin'); query(s, 'update item set n = n + 1'); rest()
def worker():
    while True:
        c, _ = app.accept(); c.recv(4096)
        if variant == 'lock':
            s = postgres(); query(s, 'update item set n = n + 1')
        elif variant == 'redis':
            s = S.create_connection(('127.0.0.1', int('REDIS'))); s.sendall(b'PING\r\n'); s.recv(9)
        else:
            rest()
def client():
    s = S.create_connection(('127.0.0.1', front)); s.sendall(b'GET / HTTP/1.0\r\n\r\n'); s.recv(9)
def free():
    s = S.socket(); s.bind(('127.0.0.1', 0)); return s.getsockname()[1]
def local():
    s = S.socket(S.AF_UNIX); s.connect(home + '/app.sock'); s.sendall(b'x'); s.recv(9)
def remote():
    s = S.socket(); s.connect(tcp.getsockname()); s.recv(9)
pids = []
if variant == 'lock':
    s = postgres(); query(s, 'create table item (n int)'); query(s, 'insert into item values (1)'); s.close()
    pids.append(fork(hold)); time.sleep(1)
app = S.socket(S.AF_UNIX); app.bind(home + '/app.sock'); os.chmod(home + '/app.sock', 0o777)
app.listen(1 if variant == 'full' else 64)
if variant == 'full':
    tcp = S.socket(); tcp.bind(('127.0.0.1', 0)); tcp.listen(1)
    pids.append(fork(worker))
    def tcp_server():
        c, _ = tcp.accept(); rest()
    pids.append(fork(tcp_server)); time.sleep(0.3)
    clients = [local] * 4 + [remote] * 5
    pids += [fork(lambda c=c: (time.sleep(0.1), c())) for c in clients]
    time.sleep(2)
else:
    pids += [fork(worker) for _ in range(3)]
    back, front = free(), free()
    open(home + '/nginx.conf', 'w').write(f'''daemon off; worker_processes 2; pid {home}/pid; user root;
events {{ worker_connections 64; }}
http {{ access_log off; client_body_temp_path {home}/b; proxy_temp_path {home}/p;
fastcgi_temp_path {home}/f; uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
server {{ listen 127.0.0.1:{back}; location / {{ proxy_pass http://unix:{home}/app.sock:/; }} }} }}''')
    open(home + '/haproxy.cfg', 'w').write(f'''defaults
  mode http
  timeout connect 60s
  timeout client 600s
  timeout server 600s
frontend f
  bind 127.0.0.1:{front}
  default_backend b
backend b
  server s 127.0.0.1:{back}
''')
    quietly = dict(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    nginx = subprocess.Popen(['nginx', '-p', home, '-e', home + '/log', '-c', home + '/nginx.conf'], **quietly)
    haproxy = subprocess.Popen(['haproxy', '-f', home + '/haproxy.cfg', '-db'], **quietly)
    for port in (back, front):
        while S.socket().connect_ex(('127.0.0.1', port)): time.sleep(0.1)
    pids += [haproxy.pid]
    pids += [fork(client) for _ in range(6)]
    time.sleep(1.5)
ready(*pids)
rest()
