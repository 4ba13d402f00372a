export { parseStrictJson } from '#kernel';
