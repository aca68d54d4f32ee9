# The service: API and worker in one image, no torch. RUNTIME=gpu builds it for CUDA.
FROM python:3.11-slim AS page
WORKDIR /src
RUN python3 -m venv /opt/node
COPY scripts/npm scripts/web scripts/
COPY service/web service/web
RUN scripts/web /opt/node

FROM python:3.11-slim AS build
ARG RUNTIME=cpu
WORKDIR /src
RUN python3 -m venv /opt/atypia
# The libraries before our own code, so that an edit of ours does not fetch them again.
COPY pyproject.toml README.md ./
COPY docs/images/sample-chest-xray.dcm docs/images/
RUN mkdir imaging inference integrations models training service \
 && /opt/atypia/bin/pip install --no-cache-dir ".[${RUNTIME},dicom-node,parquet,tracing]"
COPY imaging imaging
COPY inference inference
COPY integrations integrations
COPY service service
COPY --from=page /src/service/web/dist service/web/dist
RUN /opt/atypia/bin/pip install --no-cache-dir --no-deps --force-reinstall . \
 && /opt/atypia/bin/python -c "import service.cli"

FROM python:3.11-slim
COPY --from=build /opt/atypia /opt/atypia
COPY bundles /opt/bundles
# A new volume mounted here takes over the folder's owner.
RUN useradd --system --uid 10001 atypia && mkdir /data && chown atypia:atypia /data
USER atypia
ENV PATH=/opt/atypia/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    ATYPIA_BUNDLES=/opt/bundles ATYPIA_DATA_DIR=/data ATYPIA_HOST=0.0.0.0
WORKDIR /data
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["atypia"]
CMD ["api"]
