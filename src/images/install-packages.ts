/** Where the model's own packages are in its image, and a Python that had to be brought along. */
export const VENV = '/opt/venv';

/**
 * What the first stage of a model image runs: the packages of `requirements.txt` into `/opt/venv`, by uv where it
 * is to be had, else by pip. uv reads nothing of pip's settings, so what they say about indexes is handed on.
 *
 * What no model needs when it is served is removed in the same layer: tests of the large packages, what is for
 * compilers, pages of MLflow's own server. Bytecode is made then, which a user who is not root could not keep.
 */
export function renderInstallScript(): string {
  return `set -eu
cd /tmp/mlts
pip_setting() { python3 -m pip config get "global.$1" 2>/dev/null || true; }
index=\${PIP_INDEX_URL:-$(pip_setting index-url)}
extra=\${PIP_EXTRA_INDEX_URL:-$(pip_setting extra-index-url)}
trusted=\${PIP_TRUSTED_HOST:-$(pip_setting trusted-host)}
if [ -n "$index" ]; then export UV_DEFAULT_INDEX="$index"; fi
if [ -n "$extra" ]; then export UV_INDEX="$extra" UV_INDEX_STRATEGY=unsafe-best-match; fi
if [ -n "$trusted" ]; then export UV_INSECURE_HOST="$trusted"; fi
if [ -f certificates.pem ]; then export PIP_CERT=/tmp/mlts/certificates.pem SSL_CERT_FILE=/tmp/mlts/certificates.pem; fi
if [ -d wheelhouse ]; then
  export PIP_NO_INDEX=1 PIP_FIND_LINKS=/tmp/mlts/wheelhouse UV_NO_INDEX=1 UV_FIND_LINKS=/tmp/mlts/wheelhouse UV_OFFLINE=1
fi
export UV_PYTHON_INSTALL_DIR=/opt/python UV_LINK_MODE=copy PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
mkdir -p /opt/python
uv=/tmp/uv/bin/uv
python3 -m pip install --quiet --no-cache-dir --target /tmp/uv uv || echo "uv is not to be had: pip installs"
here=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
case "$MLTS_PYTHON" in
  "" | "$here" | "$here".*) python3 -m venv --without-pip ${VENV} ;;
  *) "$uv" venv --python "$MLTS_PYTHON" ${VENV} ;;
esac
install() {
  if [ -x "$uv" ]; then "$uv" pip install --python ${VENV}/bin/python --overrides overrides.txt "$@"
  else python3 -m pip --python ${VENV}/bin/python install --no-cache-dir "$@"; fi
}
if [ -s build.txt ]; then install -r build.txt; fi
if [ -s constraints.txt ]; then install -r requirements.txt -c constraints.txt
elif [ -s requirements.txt ]; then install -r requirements.txt; fi
if [ -d mlflow ]; then install ./mlflow; fi
loads() { env -u PYTHONDONTWRITEBYTECODE ${VENV}/bin/python -c "import mlflow.pyfunc.scoring_server, $MLTS_LOADER"; }
if [ -s overrides.txt ] && ! loads; then
  echo "this MLflow does not start without what was left out: it is installed"
  : > overrides.txt
  install -r requirements.txt
fi
for packages in ${VENV}/lib/python3*/site-packages; do
  cd "$packages"
  for name in numpy pandas scipy sklearn pyarrow joblib statsmodels matplotlib networkx sympy; do
    if [ -d "$name" ]; then find "$name" -depth -type d -name tests -exec rm -rf {} +; fi
  done
  find . -type f \\( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' \\) -delete
  rm -rf pyarrow/include pyarrow/src numpy/_core/include mlflow/server/js/build
  # What pyarrow needs to be a server or to run plans of others; nothing imports them by itself.
  rm -f pyarrow/libarrow_flight.so* pyarrow/_flight.*.so pyarrow/libarrow_substrait.so* pyarrow/_substrait.*.so
done
# The first line writes what a server imports of the packages that the second leaves out: they are large, and it needs little of them.
loads || true
${VENV}/bin/python -m compileall -q -j 0 -x '/site-packages/(mlflow|databricks|google|opentelemetry)/' ${VENV}/lib || true
`;
}
