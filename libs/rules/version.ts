/**
 * Stands in `ResultsComputed`: a publication resumed under other rules stops. It changes whenever
 * the same facts may give another result.
 */
export const RULES_VERSION = '1';
