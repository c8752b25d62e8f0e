# unflat on a CPU: server, studio, workers, batch and MCP in one image, as a user without rights.
FROM python:3.12-slim AS wheels
WORKDIR /unflat
COPY . .
# The studio is built here, with the node that a wheel brings along.
RUN pip wheel --no-cache-dir --wheel-dir /wheels '.[photos,server,postgres,s3,mcp,batch]'

FROM python:3.12-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 unflat \
    && install --directory --owner unflat /data
RUN --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index --find-links /wheels 'unflat[photos,server,postgres,s3,mcp,batch]'
USER unflat
ENV UNFLAT_DATA=/data UNFLAT_CACHE=/data/cache PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=4 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["unflat"]
CMD ["serve", "--host", "0.0.0.0"]
