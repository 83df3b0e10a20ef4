#!/usr/bin/env bash
# What the Dockerfile does, stage by stage, where there is no Docker: locked dependencies by their hashes into an empty
# environment, the wheel into it, its files read-only, and web and worker as a user without rights that may write to one folder only.
# Ends with status 0 when both are ready and what they may not write they cannot.
#   deploy/rehearse.sh [folder]        RESELLER_DATABASE_URL=postgresql+psycopg://... for another database than SQLite
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
work=${1:-$(mktemp -d /tmp/reseller-rehearsal.XXXX)}
mkdir -p "$work/data" "$work/src"
chmod 755 "$work"
user=${REHEARSE_USER:-nobody}
python=${REHEARSE_PYTHON:-$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))')}

echo "1. build: what COPY takes, dependencies by hash, the wheel"
cp -r "$here"/{pyproject.toml,uv.lock,README.md,manifest.json,graphql,app} "$work/src/"
cd "$work/src"
uv venv --quiet --python "$python" "$work/reseller"
uv export --locked --no-dev --no-emit-project --extra otel --extra sentry --extra s3 --format requirements-txt \
  --output-file "$work/requirements.txt" --quiet
uv pip install --quiet --python "$work/reseller/bin/python" --require-hashes --no-deps -r "$work/requirements.txt"
uv build --quiet --wheel --out-dir "$work/wheel"
uv pip install --quiet --python "$work/reseller/bin/python" --no-deps "$work"/wheel/*.whl
uv pip check --quiet --python "$work/reseller/bin/python"
find "$work"/reseller/lib/python3*/site-packages/babel/locale-data -name '*.dat' ! -name 'root.dat' ! -name 'en*' ! -name 'de*' -delete
rm -rf "$work"/reseller/lib/python3*/site-packages/pycountry/locales "$work/src"
du -sh "$work/reseller" | sed 's/^/   environment: /'

echo "2. run: read-only files, a user without rights, one folder to write to"
chmod -R a+rX,a-w "$work/reseller"
chown "$user" "$work/data"
cd "$work/data"
free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
web=$(free) operations=$(free) worker=$(free)
start() {
  exec env -i PATH="$work/reseller/bin:/usr/bin:/bin" HOME=/nonexistent PYTHONDONTWRITEBYTECODE=1 \
    RESELLER_SECRET_KEYS="a passphrase of the rehearsal" RESELLER_BASE_URL="http://127.0.0.1:$web" \
    RESELLER_DATABASE_URL="${RESELLER_DATABASE_URL:-sqlite+aiosqlite:///$work/data/reseller.db}" \
    RESELLER_OPERATIONS_PORT="$operations" RESELLER_WORKER_ID=rehearsal "$@"
}
without_rights="setpriv --reuid=$user --regid=nogroup --clear-groups --no-new-privs"
(start $without_rights reseller migrate)
start $without_rights reseller serve --web-only --port "$web" 2> "$work/web.log" &
pids=($!)
(operations=$worker; start $without_rights reseller worker) 2> "$work/worker.log" &
pids+=($!)
trap 'kill "${pids[@]}" 2>/dev/null || true; wait' EXIT
for url in "http://127.0.0.1:$operations/ready" "http://127.0.0.1:$worker/ready" "http://127.0.0.1:$web/api/manifest"; do
  for _ in $(seq 120); do curl -sf -o /dev/null "$url" && break; sleep 0.5; done
  echo "   $(curl -sf -o /dev/null -w '%{http_code}' "$url") $url"
done
if $without_rights touch "$work/reseller/lib/touched" 2>/dev/null; then echo "the environment can be written to"; exit 1; fi
curl -sf "http://127.0.0.1:$worker/metrics" | grep -q '^reseller_queue_age_seconds' && echo "   metrics: there"

echo "3. stop: SIGTERM, and both end by themselves"
kill "${pids[@]}"
for pid in "${pids[@]}"; do wait "$pid" || { echo "ended with $?"; tail -n 3 "$work/web.log" "$work/worker.log"; exit 1; }; done
trap - EXIT
find "$work/data" -maxdepth 1 -type f -printf '   left in /data: %f\n'
echo "The rehearsal is through."
