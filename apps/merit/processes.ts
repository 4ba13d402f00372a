import { appealResolution } from '#processes/appeal-resolution';
import { deadlines } from '#processes/deadlines';
import { publicationProcess } from '#processes/publication';
import { preparingProcess, sealingProcess } from '#processes/settlement';
import type { Process } from '#processes/to-do';

/** Every process that goes on by itself: events in, commands out. */
export function allProcesses(): Process[] {
  return [publicationProcess, appealResolution, deadlines, preparingProcess, sealingProcess];
}
