/** A day that differs from Monday-to-Friday. */
export type CalendarDay = { readonly date: string; readonly kind: 'holiday' | 'workday' };
