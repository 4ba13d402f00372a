/**
 * Answers that go on without end (Server-Sent Events). A stop of the server ends them: each would
 * hold it up for ever.
 */
export class OpenStreams {
  private readonly ends = new Set<() => void>();

  get count(): number {
    return this.ends.size;
  }

  /** `end` closes the stream; call what is returned when it has closed, whoever closed it. */
  add(end: () => void): () => void {
    this.ends.add(end);
    return () => void this.ends.delete(end);
  }

  endAll(): void {
    for (const end of this.ends) end();
  }
}
