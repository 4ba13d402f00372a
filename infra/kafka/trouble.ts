/** What a person can mend: its message says what is wrong and what to do, without a stack. */
export class KafkaTrouble extends Error {
  override readonly name = 'KafkaTrouble';
}
