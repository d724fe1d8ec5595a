/**
 * Records when heartbeats of another process arrive over loopback, until that process is killed:
 * `record.ts FILE SECONDS EVERY_MS none|block|allocate|stop`.
 */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';

const [file = '', seconds = '60', everyMs = '100', trouble = 'none'] = process.argv.slice(2);
const arrivals: number[] = [];
const startedAt = performance.now();
const now = (): number => Math.round((performance.now() - startedAt) * 10) / 10;

const socket = createSocket('udp4');
socket.on('message', () => arrivals.push(now()));
socket.bind(0, '127.0.0.1', () => {
  const sender = fileURLToPath(new URL('heartbeat-sender.ts', import.meta.url));
  const child = spawn(process.execPath, [sender, String(socket.address().port), everyMs, trouble], {
    stdio: 'inherit',
  });
  // As an operator's SIGSTOP, or a machine that is moved: longer than a collector takes, every 20 s.
  const stopping = setInterval(() => {
    if (trouble !== 'stop') return;
    child.kill('SIGSTOP');
    setTimeout(() => child.kill('SIGCONT'), 300 + 1_200 * Math.random());
  }, 20_000);
  setTimeout(
    () => {
      clearInterval(stopping);
      child.kill('SIGKILL');
      const stoppedAt = now();
      const note = `${everyMs} ms, ${trouble}, load ${loadavg()[0]?.toFixed(1)}, ${seconds} s, then SIGKILL`;
      writeFileSync(file, `${JSON.stringify({ note, everyMs: Number(everyMs), stoppedAt, arrivals })}\n`);
      socket.close();
    },
    Number(seconds) * 1_000,
  );
});
