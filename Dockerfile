# The dashboard in a container, as a user of its own, with its runs and uploads on the volume /data.
#
#   docker build -t gradleak --build-arg TORCH_INDEX=ADDRESS .
#
# ADDRESS is the package index that the PyTorch site names for your computer: the one for CPUs keeps the image under 2 GB,
# one for CUDA serves a GPU (run it with --gpus all). Without it, pip takes PyTorch with CUDA on Linux, about 6 GB.
FROM python:3.12-slim

ARG TORCH_INDEX=""
RUN pip install --no-cache-dir ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch torchvision
COPY requirements.txt /tmp/
RUN pip install --no-cache-dir -r /tmp/requirements.txt

COPY . /opt/gradleak
RUN pip install --no-cache-dir --no-deps /opt/gradleak && rm -r /opt/gradleak \
    && useradd --no-create-home --uid 1000 gradleak && install --directory --owner gradleak /data

USER gradleak
WORKDIR /srv
ENV GRADLEAK_DATA=/data HOME=/tmp PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 8501
HEALTHCHECK --start-period=60s --interval=30s --timeout=5s \
    CMD python -c "import urllib.request as u; u.urlopen('http://localhost:8501/api/healthz', timeout=4)"
ENTRYPOINT ["gradleak"]
CMD ["serve", "--host", "0.0.0.0"]
