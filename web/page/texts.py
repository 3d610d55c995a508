"""The page's words, in English and Chinese."""
from __future__ import annotations

LANGUAGES = ("en", "zh")

_WORDS = {
    "title": ("Background matting", "背景抠图"),
    "intro": ("Two photos from one camera position, one with the subject and one without, give the subject cut "
              "out, hair and all. Nothing leaves this server; uploads are deleted within ten minutes.",
              "同一机位拍两张照片，一张有人（物），一张没有，即可抠出主体，发丝也在内。数据不会离开本服务器，上传的"
              "文件十分钟内删除。"),
    "other": ('<a href="../zh/" lang="zh">中文</a> · <a href="../docs">HTTP API</a>',
              '<a href="../en/" lang="en">English</a> · <a href="../docs">HTTP API</a>'),
    "photos": ("Photos", "照片"),
    "video": ("Video", "视频"),
    "camera": ("Camera", "摄像头"),
    "many": ("Many", "批量"),
    "alone": ("No plate", "无背景图"),
    "alone_help": ("People in one photo, without a shot of the empty scene, by MODNet. With a plate the matte is finer: "
                   "see Photos.",
                   "只用一张人物照片，不需要空场景，由 MODNet 抠图。有背景图时结果更精细，见“照片”。"),
    "alone_src": ("Photo with people", "人物照片"),
    "need_src": ("Add a photo.", "请添加照片。"),
    "failed": ("It could not be done. predict.py says:", "未能完成，predict.py 的说明（英文）："),
    "noted": ("Note:", "提示（英文）："),
    "src": ("src: photo with the subject", "src：有主体的照片"),
    "bgr": ("bgr: the same scene without it", "bgr：没有主体的同一场景"),
    "swap": ("Swap src and bgr", "交换 src 和 bgr"),
    "sample": ("Sample pair", "示例照片"),
    "result": ("Before and after: drag the line", "前后对比：拖动分隔线"),
    "view": ("What to show and download", "显示和下载的内容"),
    "cut": ("Cut-out", "抠图（透明背景）"),
    "alpha": ("Alpha", "透明度 (alpha)"),
    "colour": ("Over a colour", "纯色背景"),
    "photo": ("Over a photo", "照片背景"),
    "blur": ("Over the blurred scene", "虚化背景"),
    "pick": ("Colour", "颜色"),
    "behind": ("New background", "新背景"),
    "format": ("File", "文件格式"),
    "download": ("Download", "下载"),
    "advanced": ("Advanced settings", "高级设置"),
    "fit": ("If sizes differ", "尺寸不同时"),
    "fit_help": ("bgr of another size than src: refuse it, stretch it, or scale it and cut its middle out.",
                 "bgr 与 src 尺寸不同：拒绝、拉伸，或缩放后居中裁剪。"),
    "fit_none": ("Refuse", "拒绝"),
    "resize": ("Stretch", "拉伸"),
    "crop": ("Scale and cut", "缩放并裁剪"),
    "align": ("Camera moved", "机位移动"),
    "align_help": ("Moves bgr to where src was taken from: where it helps, wherever a way is found, or never.",
                   "把 bgr 对齐到 src 的机位：有帮助时、只要能找到、或从不。"),
    "auto": ("Where it helps", "有帮助时"),
    "homography": ("Wherever possible", "尽可能"),
    "off": ("Never", "从不"),
    "exposure": ("Light changed", "光线变化"),
    "exposure_help": ("Brings bgr to the brightness and white balance of src.", "使 bgr 的亮度和白平衡与 src 一致。"),
    "bits": ("Bits a channel", "每通道位数"),
    "bits_help": ("16 keeps finer steps, in PNG and TIFF; for further editing.",
                  "16 位层次更细（PNG、TIFF），适合后期处理。"),
    "cure_resize": ("Stretch bgr to the size of src", "把 bgr 拉伸到 src 的尺寸"),
    "cure_crop": ("Scale bgr and cut it to the size of src", "把 bgr 缩放并裁剪到 src 的尺寸"),
    "cure_align": ("Align bgr to src", "把 bgr 对齐到 src"),
    "cure_swap": ("Swap src and bgr", "交换 src 和 bgr"),
    "say_resize": ("The two photos differ in size. One of these brings bgr to the size of src:",
                   "两张照片尺寸不同，可用下列方式调整 bgr："),
    "say_swap": ("The two photos may not belong together, or lie in each other's place:",
                 "两张照片可能不是一对，或放反了："),
    "say_align": ("The camera moved between the shots:", "两次拍摄之间机位移动了："),
    "both": ("Add both photos: src with the subject, bgr without it.", "请添加两张照片：有主体的 src 和没有主体的 bgr。"),
    "done": ("Done", "完成"),
    "clip": ("src: video with the subject", "src：有主体的视频"),
    "plate_kind": ("The empty scene", "空场景"),
    "plate_file": ("A photo or video of it", "照片或视频"),
    "plate_first": ("The video's first frames", "视频开头几帧"),
    "plate_median": ("Median: the subject moves about", "中值：主体四处移动"),
    "plate": ("bgr: photo or video of the empty scene", "bgr：空场景的照片或视频"),
    "count": ("How many first frames", "开头帧数"),
    "webm": ("WebM: alpha, plays in browsers", "WebM：带透明度，浏览器可播放"),
    "mov": ("MOV: ProRes 4444 with alpha, for editing", "MOV：ProRes 4444 带透明度，用于剪辑"),
    "mp4": ("MP4: plays everywhere, no alpha", "MP4：到处可播放，无透明度"),
    "temporal": ("Steady", "稳定"),
    "temporal_help": ("Smooths the matte from frame to frame; takes flicker away.", "逐帧平滑，减少闪烁。"),
    "start": ("Start", "开始"),
    "cancel": ("Cancel", "取消"),
    "need_clip": ("Add a video first.", "请先添加视频。"),
    "need_plate": ("Add the photo or video of the empty scene.", "请添加空场景的照片或视频。"),
    "queued": ("Waiting in line", "排队中"),
    "running": ("Working", "处理中"),
    "cancelled": ("Cancelled.", "已取消。"),
    "frames": ("{done} of {all} frames", "{done} / {all} 帧"),
    "frames_open": ("{done} frames", "{done} 帧"),
    "items": ("{done} of {all} photos", "{done} / {all} 张"),
    "left": ("{left} s left", "剩余 {left} 秒"),
    "no_player": ("Browsers do not play ProRes; download it.", "浏览器不能播放 ProRes，请下载。"),
    "zip": ("ZIP with folders src/ and bgr/", "含 src/ 和 bgr/ 文件夹的 ZIP"),
    "zip_help": ("Partners have the same name, as src/ann.jpg and bgr/ann.png; a single photo in bgr/ is for all.",
                 "同名配对，如 src/ann.jpg 与 bgr/ann.png；bgr/ 中只有一张照片时用于全部。"),
    "need_zip": ("Add a ZIP first.", "请先添加 ZIP。"),
    "remarks": ("Failed, or remarkable", "失败或需注意"),
    "what": ("What to make", "输出内容"),
    "limits": ("Photos and frames up to {pixels:.0f} megapixels, uploads up to {mib:.0f} MiB, videos up to "
               "{seconds:.0f} s.",
               "照片和视频帧最多 {pixels:.0f} 百万像素，上传最多 {mib:.0f} MiB，视频最长 {seconds:.0f} 秒。"),
    "camera_help": ("Start the camera, take the background, and step out of the frame while it counts down. Then "
                    "come back.",
                    "启动摄像头，点击拍摄背景，倒计时期间离开画面，然后回来。"),
    "camera_start": ("Start camera", "启动摄像头"),
    "camera_stop": ("Stop", "停止"),
    "camera_take": ("Take the background", "拍摄背景"),
    "camera_in": ("Camera", "摄像头画面"),
    "camera_out": ("Result", "结果"),
    "camera_behind": ("Next background", "切换背景"),
    "camera_denied": ("The browser gives no camera. Allow it for this page; other machines need https.",
                      "浏览器未提供摄像头。请允许本页使用；远程访问需要 https。"),
    "waiting": ("take the background first", "请先拍摄背景"),
    "countdown": ("leave the frame: {left}", "请离开画面：{left}"),
    "capturing": ("taking the background", "正在拍摄背景"),
    "matting": ("live", "实时"),
    "too_many": ("Too many cameras at once. Try again later.", "同时使用的摄像头过多，请稍后再试。"),
}


def words(language: str) -> dict[str, str]:
    """{name: text} of a language of ``LANGUAGES``."""
    place = LANGUAGES.index(language)
    return {name: texts[place] for name, texts in _WORDS.items()}


def language_of(header: str | None) -> str:
    """The language of ``LANGUAGES`` that a browser's Accept-Language asks for first; English where it names neither."""
    ranked = []
    for place, part in enumerate((header or "").split(",")):
        name, _, rest = part.strip().partition(";")
        try:
            weight = float(rest.partition("q=")[2] or 1)
        except ValueError:
            continue
        ranked.append((-weight, place, name[:2].lower()))
    return next((name for _, _, name in sorted(ranked) if name in LANGUAGES), "en")
