/**
 * Headers of a dead letter, beside all those of the record that could not be read. Key and value
 * are the record's own bytes.
 */
export const DEAD_LETTER_HEADERS = {
  id: 'merit_dead_letter_id',
  topic: 'merit_origin_topic',
  partition: 'merit_origin_partition',
  offset: 'merit_origin_offset',
  code: 'merit_error_code',
  detail: 'merit_error_detail',
  /** Only where the value is left out: with these headers it would be above the topic's limit. */
  omittedSha256: 'merit_omitted_value_sha256',
} as const;
