export * from './cluster.js';
export { kafkaJars } from './jars.js';
export { findJava, INSTALL } from './java.js';
export { KafkaTrouble } from './trouble.js';
export * from './tools.js';
export * from './topics.js';
