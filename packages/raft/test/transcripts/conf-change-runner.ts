import { ConfChangeError, enterJoint, leaveJoint, simpleChange, type NextConfig } from '../../src/conf-change.ts';
import { ProgressTracker } from '../../src/progress-tracker.ts';
import { readOptions, singleBoolean, words } from './arguments.ts';
import { CONF_CHANGE_ERROR_TEXTS, describeConfig, describeProgressMap, parseConfChanges } from './conf-change-text.ts';
import { type Step, TranscriptError } from './data-driven.ts';
import type { Runner } from './replay.ts';

/** Changes one configuration: `simple`, `enter-joint [autoleave=true]`, `leave-joint`; each takes up one log index. */
export function confChangeRunner(): Runner {
  const tracker = new ProgressTracker({ maxInflightMessages: 10, maxInflightBytes: Infinity });
  let lastIndex = 0;
  return (step) => {
    try {
      tracker.switchTo(change(tracker, step), lastIndex);
      return `${describeConfig(tracker.config)}\n${describeProgressMap(tracker.progress)}`;
    } catch (error) {
      if (error instanceof ConfChangeError) return `${CONF_CHANGE_ERROR_TEXTS[error.code]}\n`;
      throw error;
    } finally {
      lastIndex += 1;
    }
  };
}

function change({ config }: ProgressTracker, step: Step): NextConfig {
  const changes = parseConfChanges(step.input);
  let autoLeave = false;
  if (words(step).length > 0) throw new TranscriptError(`"${step.name}" takes no words: ${words(step).join(' ')}`);
  readOptions(step, step.name === 'enter-joint' ? { autoleave: (option) => (autoLeave = singleBoolean(option)) } : {});
  if (step.name === 'simple') return simpleChange(config, changes);
  if (step.name === 'enter-joint') return enterJoint(config, autoLeave, changes);
  if (step.name !== 'leave-joint') throw new TranscriptError(`unknown directive "${step.name}"`);
  if (changes.length > 0) throw new TranscriptError('leave-joint takes no input');
  return leaveJoint(config);
}
