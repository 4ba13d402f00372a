/**
 * Starts the command after it and kills it when standard input ends: the starter holds the other
 * end, so a broker goes with whoever started it, also after a kill -9, which no code of the
 * starter's own could see. Says the broker's pid first.
 */
export const GUARD = `
exec 3<&0
"$@" </dev/null >>"$BROKER_LOG" 2>&1 3<&- &
broker=$!
echo "$broker"
(read -r _ <&3; kill -9 "$broker") >/dev/null 2>&1 &
reader=$!
wait "$broker"
code=$?
kill -9 "$reader" 2>/dev/null
exit "$code"
`;
