/* onednn.cpp: a convolution of oneDNN, as a contestant (see worker.h).
 *
 *     onednn TASK IMAGES CHANNELS SIDE FILTERS KERNEL STRIDE PAD GROUPS DILATION      TASK: forward, dx, dw
 *     onednn version
 *
 * One thread, each primitive in the blocked layouts that it likes best; what it takes to bring data into them is not measured. Forward finds its
 * map where the layer before left it, and the one behind it reads what it makes, as in inference (layer.c): copies, which do not count, stand for
 * those two. Between two gradients of one layer a step of training goes through the maps of all others: dx and dw take turns with up to four copies
 * of theirs, which together do not stay in a cache. */
extern "C" {
#include "worker.h"
}

#include <dnnl.hpp>
#include <string>
#include <unordered_map>
#include <vector>

using namespace dnnl;
using Tag = memory::format_tag;

static engine cpu(engine::kind::cpu, 0);
static stream line(cpu);

struct Call {
    primitive work;
    std::vector<std::unordered_map<int, memory>> arguments{ 1 };
    size_t next = 0;            // of those, for the call to come
    bool forward = false;
    memory before, behind;      // what the layer before reads, and what the one behind makes

    static memory block(const memory::desc &like)
    {
        memory made(like, cpu, worker_block(like.get_size()));
        float *values = static_cast<float *>(made.get_data_handle());
        for (size_t i = 0; i < like.get_size() / sizeof(float); i++)
            values[i] = static_cast<float>((i * 2654435761U) >> 20 & 1023) / 1024 - 0.5F;
        return made;
    }

    void add(int name, const memory::desc &like)
    {
        arguments[0][name] = block(like);
    }

    /* Copies of the two maps, the others are the same. */
    void copy_maps(int one, int other)
    {
        const size_t far = 64 << 20, most = 4;          // bytes, more than a third level holds; copies
        size_t bytes = arguments[0][one].get_desc().get_size() + arguments[0][other].get_desc().get_size();
        while (arguments.size() < most && arguments.size() * bytes < far) {
            std::unordered_map<int, memory> copy = arguments[0];
            copy[one] = block(arguments[0][one].get_desc());
            copy[other] = block(arguments[0][other].get_desc());
            arguments.push_back(copy);
        }
    }
};

static void copy(const memory &to, const memory &from)
{
    double began = worker_now();
    memcpy(to.get_data_handle(), from.get_data_handle(), to.get_desc().get_size());
    worker_aside += worker_now() - began;
}

static void execute(void *context)
{
    Call *call = static_cast<Call *>(context);
    if (call->forward)
        copy(call->arguments[0][DNNL_ARG_SRC], call->before);
    call->work.execute(line, call->arguments[call->next]);
    call->next = (call->next + 1) % call->arguments.size();
    line.wait();
    if (call->forward)
        copy(call->behind, call->arguments[0][DNNL_ARG_DST]);
}

static memory::desc any(const memory::dims &dims)
{
    return memory::desc(dims, memory::data_type::f32, Tag::any);
}

static std::string prepare(Call &call, const std::string &task, const long *n)
{
    long images = n[0], channels = n[1], side = n[2], filters = n[3], kernel = n[4], stride = n[5], pad = n[6], groups = n[7], dilation = n[8];
    long out = (side + 2 * pad - (kernel - 1) * dilation - 1) / stride + 1;
    memory::desc x = any({ images, channels, side, side }), y = any({ images, filters, out, out });
    memory::desc w = groups > 1 ? any({ groups, filters / groups, channels / groups, kernel, kernel }) : any({ filters, channels, kernel, kernel });
    memory::desc b({ filters }, memory::data_type::f32, Tag::a);
    memory::dims step = { stride, stride }, border = { pad, pad }, gaps = { dilation - 1, dilation - 1 };
    algorithm direct = algorithm::convolution_direct;
    convolution_forward::primitive_desc forward({ prop_kind::forward_training, direct, x, w, b, y, step, gaps, border, border }, cpu);
    if (task == "forward") {
        call.work = convolution_forward(forward);
        call.add(DNNL_ARG_SRC, forward.src_desc());
        call.add(DNNL_ARG_WEIGHTS, forward.weights_desc());
        call.add(DNNL_ARG_BIAS, forward.bias_desc());
        call.add(DNNL_ARG_DST, forward.dst_desc());
        call.before = Call::block(forward.src_desc());
        call.behind = Call::block(forward.dst_desc());
        call.forward = true;
        return forward.impl_info_str();
    }
    if (task == "dx") {
        convolution_backward_data::primitive_desc back({ direct, x, w, y, step, gaps, border, border }, cpu, forward);
        call.work = convolution_backward_data(back);
        call.add(DNNL_ARG_DIFF_SRC, back.diff_src_desc());
        call.add(DNNL_ARG_WEIGHTS, back.weights_desc());
        call.add(DNNL_ARG_DIFF_DST, back.diff_dst_desc());
        call.copy_maps(DNNL_ARG_DIFF_SRC, DNNL_ARG_DIFF_DST);
        return back.impl_info_str();
    }
    convolution_backward_weights::primitive_desc back({ direct, x, w, b, y, step, gaps, border, border }, cpu, forward);
    call.work = convolution_backward_weights(back);
    call.add(DNNL_ARG_SRC, back.src_desc());
    call.add(DNNL_ARG_DIFF_WEIGHTS, back.diff_weights_desc());
    call.add(DNNL_ARG_DIFF_BIAS, back.diff_bias_desc());
    call.add(DNNL_ARG_DIFF_DST, back.diff_dst_desc());
    call.copy_maps(DNNL_ARG_SRC, DNNL_ARG_DIFF_DST);
    return back.impl_info_str();
}

int main(int argc, char **argv)
{
    if (argc == 2) {
        printf("oneDNN %d.%d.%d\n", dnnl_version()->major, dnnl_version()->minor, dnnl_version()->patch);
        return 0;
    }
    if (argc != 11) {
        fprintf(stderr, "onednn forward|dx|dw IMAGES CHANNELS SIDE FILTERS KERNEL STRIDE PAD GROUPS DILATION\n");
        return 2;
    }
    long numbers[9];
    for (int i = 0; i < 9; i++)
        numbers[i] = strtol(argv[i + 2], nullptr, 10);
    Call call;
    try {
        std::string name = prepare(call, argv[1], numbers);
        execute(&call);
        printf("ready %s\n", name.c_str());
    } catch (const error &problem) {
        printf("failed %s\n", problem.what());
        return 1;
    }
    fflush(stdout);
    worker_turns(execute, &call);
    return 0;
}
