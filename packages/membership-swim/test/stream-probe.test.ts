import { createWorld, type Host, type World } from '@quorate/simulator';
import { describe, expect, it } from 'vitest';

import { probeStream } from '../src/stream-probe.ts';

const TIMEOUT_MS = 500;

interface Scene {
  readonly world: World;
  readonly target: Host;
  /** What a probe from one host of the other comes to, and after how long. */
  readonly probe: (ask?: () => Promise<unknown>) => Promise<readonly [string, number]>;
}

const silence = (): Promise<never> => new Promise(() => undefined);

async function scene(seed: string): Promise<Scene> {
  const world = createWorld({ seed, link: { latencyMs: 1 } });
  const [prober, target] = [world.host('prober'), world.host('target')];
  const address = { host: target.address, port: 7000 };
  const quiet = { data: () => undefined, drain: () => undefined, close: () => undefined };
  target.start(async ({ net }) => void (await net.listen(address, () => quiet)));
  prober.start(() => undefined);
  await world.run(10);
  const probe: Scene['probe'] = async (ask = silence) => {
    const { clock, net } = prober.system;
    const from = world.now;
    const outcome = await world.settled(probeStream({ clock, net, ask }, address, TIMEOUT_MS, {}), 60_000);
    return [outcome, Math.round(world.now - from)];
  };
  return { world, target, probe };
}

describe('a probe through the transport', () => {
  it('is acknowledged as soon as an answer comes', async () => {
    const { probe } = await scene('acknowledged');
    expect((await probe(() => Promise.resolve()))[0]).toBe('acknowledged');
  });

  it('is accepted when the program stands still, or says nothing', async () => {
    const { target, probe } = await scene('accepted');
    expect(await probe(() => Promise.reject(new Error('no connection')))).toEqual(['accepted', TIMEOUT_MS]);
    target.pause();
    expect(await probe()).toEqual(['accepted', TIMEOUT_MS]);
  });

  it('is refused at once when the program is gone', async () => {
    const { target, probe } = await scene('refused');
    target.crash();
    const [outcome, afterMs] = await probe();
    expect([outcome, afterMs < 10]).toEqual(['refused', true]);
  });

  it('is unanswered when the machine is gone, or the way to it', async () => {
    const lost = await scene('power');
    lost.target.crash({ powerLoss: true });
    expect(await lost.probe()).toEqual(['unanswered', TIMEOUT_MS]);
    const cut = await scene('cut');
    cut.world.partition(cut.world.hosts[0] as Host, cut.target);
    expect(await cut.probe()).toEqual(['unanswered', TIMEOUT_MS]);
  });

  it('leaves no connection and no timer behind', async () => {
    const { world, target, probe } = await scene('behind');
    await probe();
    await world.run(5000);
    const before = world.trace.text().length;
    target.pause();
    await world.run(60_000);
    expect(world.trace.text().slice(before)).not.toContain('bytes');
  });
});
