#!/bin/sh
# `strip.sh ENVIRONMENT` removes what a server on a CPU never loads.
set -eu
for packages in "$1"/lib/python3*/site-packages; do
    # OpenVINO: the engines of GPU and NPU with their kernels, engines that choose between engines, the readers of formats that are not
    # served, tools. ONNX files, OpenVINO's own form and the CPU stay.
    cd "$packages/openvino"
    rm -rf include cmake tools torch libs/cache.json libs/tbb.pc \
        libs/libopenvino_intel_gpu_plugin.so libs/libopenvino_intel_npu_plugin.so libs/libopenvino_c.so.* \
        libs/libopenvino_auto_plugin.so libs/libopenvino_auto_batch_plugin.so libs/libopenvino_hetero_plugin.so \
        libs/libopenvino_gguf_frontend.so.* libs/libopenvino_jax_frontend.so.* libs/libopenvino_paddle_frontend.so.* \
        libs/libopenvino_pytorch_frontend.so.* libs/libopenvino_tensorflow_frontend.so.* \
        libs/libopenvino_tensorflow_lite_frontend.so.*
    test -e libs/libopenvino_intel_cpu_plugin.so
    # What only a compiler or a type checker reads.
    cd "$packages"
    find . -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.h' -o -name '*.c' \) -delete
    # Debugging symbols of the extension modules. Libraries in *.libs were repacked by the makers of the wheels and stay as they are.
    find . -type f \( -name '*.abi3.so' -o -name '*.cpython-*.so' \) -exec strip --strip-unneeded {} +
    find numpy -type d -name tests -prune -exec rm -rf {} +
done
