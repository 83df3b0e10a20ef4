#!/usr/bin/env bash
# Pins the foreign images that the Dockerfile and the compose files name, each tag to what it is now, in place; again, to newer ones.
#   deploy/pin.sh            asks the registries (docker buildx, crane or skopeo), writes tag@sha256:..., shows what changed
#   deploy/pin.sh --check    ends with status 1 and names what is not pinned; a release needs it (.ci/run asks at a tag v*)
# The digests are not in the repository yet: it was made where no registry can be reached, and a digest from hearsay pins nothing.
set -euo pipefail
cd "${PIN_DIRECTORY:-$(dirname "$0")}"
files=(Dockerfile compose.yaml compose.saleor.yaml)
own=reseller-program

# name:tag or name:tag@sha256:... after `ARG ..._IMAGE=` and `image:`
images() { sed -nE 's/^ARG [A-Z_]+_IMAGE=([^ ]+).*$/\1/p; s/^ *image: *([^ #]+).*$/\1/p' "${files[@]}" | grep -v "^$own[:@]" | sort -u; }

digest() {
  if command -v docker >/dev/null; then docker buildx imagetools inspect "$1" --format '{{.Manifest.Digest}}'
  elif command -v crane >/dev/null; then crane digest "$1"
  elif command -v skopeo >/dev/null; then skopeo inspect --raw "docker://$1" | sha256sum | sed 's/^/sha256:/; s/ .*//'
  else echo "None of docker, crane and skopeo is here to ask the registry." >&2; return 1; fi
}

if [ "${1:-}" = --check ]; then
  loose=$(images | grep -vE '@sha256:[0-9a-f]{64}$' || true)
  [ -z "$loose" ] && exit 0
  echo "Not pinned (deploy/pin.sh does it): $(paste -sd ' ' <<<"$loose")" >&2
  exit 1
fi
for image in $(images); do
  tag=${image%@*}
  found=$(digest "$tag")
  [[ $found =~ ^sha256:[0-9a-f]{64}$ ]] || { echo "$tag: the registry answered '$found', which is no digest." >&2; exit 1; }
  sed -i -E "s,(_IMAGE=|image: *)${tag//./\\.}(@sha256:[0-9a-f]+)?( .*)?\$,\1$tag@$found\3," "${files[@]}"
  [ "$image" = "$tag@$found" ] || echo "$tag is $found"
done
