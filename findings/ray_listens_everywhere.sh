#!/usr/bin/env bash
# A Ray head that is started for 127.0.0.1 listens on every network interface.
#
# Guess: `ray start --head --node-ip-address=127.0.0.1` can be reached from this computer alone.
# Seen with ray 2.60.0, Python 3.11, Linux: 127.0.0.1 is replaced by the machine's address in its network, and with any
# other address of the loopback, such as 127.0.0.2, which is kept as the node's address, the head (gcs_server), the raylet
# and the workers still listen on *. Whoever reaches the port may run anything, unless RAY_AUTH_MODE=token is set when ray
# is imported: then a stranger without ~/.ray/auth_token is refused ("InvalidAuthToken").
# What follows: Stir always sets it, and makes the token where there is none.
#
# Output seen:
#   LISTEN *:6397 gcs_server
set -euo pipefail
folder=$(mktemp -d)
trap 'kill $(cat "$folder/pid" 2>/dev/null) 2>/dev/null; sleep 2; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ray==2.60.0
"$folder/venv/bin/python" -m ray.scripts.scripts start --head --node-ip-address=127.0.0.2 --port=6397 --num-cpus=1 \
  --include-dashboard=false --disable-usage-stats --block >/dev/null 2>&1 &
echo $! > "$folder/pid"
sleep 10
ss -ltnp | awk '/gcs_server/ {split($6, name, "\""); print $1, $4, name[2]}'
