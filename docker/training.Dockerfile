# Training: fit, export, evaluate and compare. Mount data and a folder for runs.
FROM python:3.11-slim
WORKDIR /src
RUN python3 -m venv /opt/atypia
COPY pyproject.toml README.md ./
COPY docs/images/sample-chest-xray.dcm docs/images/
RUN mkdir imaging inference integrations models training service \
 && /opt/atypia/bin/pip install --no-cache-dir ".[cpu,training]"
COPY imaging imaging
COPY inference inference
COPY models models
COPY training training
RUN /opt/atypia/bin/pip install --no-cache-dir --no-deps --force-reinstall . \
 && useradd --system --uid 10001 atypia && mkdir /runs && chown atypia:atypia /runs
USER atypia
ENV PATH=/opt/atypia/bin:$PATH PYTHONUNBUFFERED=1 MPLCONFIGDIR=/tmp
WORKDIR /runs
ENTRYPOINT ["atypia-train"]
CMD ["--help"]
