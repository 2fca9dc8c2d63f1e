"""Titles and cures in Korean, since the articles are; the formulas stay as they are."""

from __future__ import annotations

KOREAN: dict[str, tuple[str, str]] = {
    # scale and sign
    "sign": ("부호가 반대다", "예측 − 정답으로 쓰거나, 갱신식의 마이너스를 한 번만 붙인다."),
    "missing_batch_mean": ("배치 평균이 빠졌다", "출력의 δ를 N으로 한 번만 나눈다."),
    "factor_two": ("제곱 오차의 2 또는 ½이 다르다", "d(½e²)은 e, d(e²)은 2e다. 적어 둔 그 E를 미분한다."),
    "accumulated": ("스텝 사이에 기울기를 초기화하지 않았다", "스텝마다 먼저 0으로 되돌린다."),
    "missing_output_mean": (
        "출력에 대한 평균이 빠졌거나, 없어야 할 곳에 있다",
        "출력의 δ를 한 번 나눈다. 제곱 오차와 이진 교차 엔트로피는 N·K로, 다른 교차 엔트로피는 N으로.",
    ),
    "batch_mean_twice": ("배치 평균을 두 번 냈다", "δ에 있는 1/N이면 충분하다."),
    "mean_for_sum": ("E는 합인데 평균을 냈다", "이 E에는 1/N이 없다. 나누지 않는다."),
    "bias_mean": ("편향의 기울기를 더하지 않고 평균 냈다", "db = Σ_N δ. 1/N은 이미 δ에 있다."),
    "learning_rate_inside": ("기울기가 아니라 갱신량을 비교했다", "±lr로 나누거나, 갱신하기 전에 비교한다."),
    "stray_constant": ("한 기울기에만 엉뚱한 상수가 곱해졌다", "바로 그 식에서 상수를 찾는다."),
    "derivative_sign": ("f′의 부호를 잃었다", "이 층의 f′ 부호를 확인한다."),
    "bce_inner_sign": ("log(1 − p) 안쪽의 마이너스를 잊었다", "d log(1 − p)/dp는 −1/(1 − p)이다."),
    # penalties
    "l2_missing": ("가중치 감쇠 항이 빠졌거나 하나 더 있다", "E + λΣW²는 dE/dW에 2λW를 더한다."),
    "l2_factor": ("2λW 대신 λW를, 또는 그 반대를 썼다", "E + λΣW²는 2λW를, E + ½λΣW²는 λW를 더한다."),
    "l2_sign": ("감쇠를 더하지 않고 뺐다", "E + λΣW²는 +2λW를 더한다."),
    "l2_bias": ("편향에도 감쇠를 적용했다", "감쇠는 가중치 행렬에만 적용한다."),
    "l1_missing": ("L1 벌점의 항이 빠졌다", "E + λΣ|W|는 dE/dW에 λ sign W를 더한다."),
    "l1_factor": ("L1 벌점을 한 번보다 많거나 적게 셌다", "E + λΣ|W|는 λ sign W를 더한다. 2도 ½도 1/N도 없다."),
    "l1_sign": ("L1 벌점을 더하지 않고 뺐다", "E + λΣ|W|는 +λ sign W를 더한다."),
    "l1_without_sign": ("λ sign W 대신 λ 또는 λ|W|를 썼다", "|W|의 기울기는 sign W다. W가 0보다 작으면 −1이다."),
    "l1_as_l2": ("L1 벌점을 L2로 여겼다", "E + λΣ|W|는 λ sign W를, E + λΣW²는 2λW를 더한다."),
    "l2_as_l1": ("L2 벌점을 L1로 여겼다", "E + λΣW²는 2λW를, E + λΣ|W|는 λ sign W를 더한다."),
    "activity_missing": (
        "층의 출력에 대한 벌점이 빠졌다",
        "E에는 그 층의 λ/N Σ|z| + λ/N Σz²가 있다. f를 거슬러 가기 전에 그 기울기를 dE/dz에 더한다.",
    ),
    "activity_not_averaged": (
        "출력에 대한 벌점을 N으로 나누지 않았다",
        "Keras는 가중치의 벌점과 달리 출력의 벌점을 N으로 나눈다.",
    ),
    "activity_factor": (
        "출력에 대한 벌점을 한 번보다 많거나 적게 셌다",
        "λ/N Σz²의 기울기는 2λ/N z다. N으로만 나누고, 유닛 수로는 나누지 않는다.",
    ),
    # dropout
    "dropout_mask_missing": ("역전파가 꺼진 유닛을 지나갔다", "순전파의 마스크를 그대로 써서 dE/dz_prev = dE/dz ⊙ m."),
    "dropout_scale_missing": (
        "마스크의 1/(1 − rate)이 빠졌다",
        "살아남은 유닛의 m은 순전파에서도 역전파에서도 1/(1 − rate)이다.",
    ),
    # activations
    "missing_derivative": ("f′(u)를 곱하지 않았다", "δ = dE/dz ⊙ f′(u)."),
    "output_derivative_dropped": ("출력층의 f′이 빠졌다", "f′이 약분되는 것은 짝이 맞는 교차 엔트로피뿐이다."),
    "derivative_not_sent_down": (
        "δ가 아니라 dE/dz를 아래로 보냈다",
        "dE/dW를 만든 그 δ를 보낸다. dE/dz_prev = δ Wᵀ이고, 이 층의 f′이 들어 있다.",
    ),
    "output_derivative_kept": ("교차 엔트로피가 지운 f′을 또 곱했다", "δ = (p − y)/N이 전부다."),
    "derivative_at_output": ("f′을 u가 아니라 z에서 계산했다", "σ′(u)는 z(1 − z)다. σ를 다시 적용하지 않는다."),
    "derivative_wrong": ("f′이 f의 도함수가 아니다", "sigmoid: z(1 − z), tanh: 1 − z², relu: [u > 0]."),
    "wrong_layer_derivative": ("다른 층의 f′을 썼다", "한 층의 δ는 그 층의 u에서 f′을 구한다."),
    "local_replaces_upstream": ("위에서 온 값 없이 δ = f′이다", "f′에 dE/dz를 곱한다."),
    "relu_mask": ("ReLU의 마스크가 다르다", "마스크는 순전파의 [u > 0]이다."),
    "softmax_elementwise": ("softmax의 야코비 행렬 전체를 p(1 − p)로 여겼다", "δ = p ⊙ (g − Σ g p)."),
    "softmax_twice": ("로짓을 받는 손실에 확률을 넣었다", "from_logits=True는 z가 아니라 u를 받는다."),
    "softmax_axis": ("softmax의 합을 다른 축으로 냈다", "샘플마다 클래스에 대해 더한다. axis=1, keepdims=True."),
    # normalisation
    "gamma_not_sent_down": ("아래로 보낼 때 γ를 잊었다", "ĝ = γ dE/dz. 올라올 때 곱한 것은 내려갈 때도 곱한다."),
    "gamma_beta_exchanged": ("γ와 β의 기울기가 뒤바뀌었다", "x̂가 들어가는 합은 dE/dγ이고, dE/dβ에는 없다."),
    "gamma_without_normalising": (
        "dE/dγ를 x̂가 아닌 배열로 만들었다",
        "γ와 β보다 앞선 x̂ = (z_prev − μ)/√(v + ε).",
    ),
    "statistics_constant": (
        "평균과 분산을 상수로 여겼다",
        "μ와 v는 z_prev의 함수다. dE/dz_prev = (ĝ − mean ĝ − x̂ mean(ĝ x̂))/√(v + ε).",
    ),
    "statistics_path_missing": (
        "정규화를 지나는 세 경로 중 하나가 빠졌다",
        "z_prev는 직접, μ를 통해, v를 통해 작용한다. 셋을 모두 더한다.",
    ),
    "moving_statistics": (
        "배치 통계 대신 이동 통계를, 또는 그 반대를 썼다",
        "학습 때는 배치로, 추론 때는 이동 평균과 이동 분산으로 정규화한다.",
    ),
    "statistics_axis": (
        "통계를 다른 축으로 냈다",
        "(N, n)에서 배치 정규화는 axis=0, 유닛 정규화는 axis=1과 keepdims=True.",
    ),
    "unbiased_variance": ("분산을 하나 적은 수로 나눴다", "np.var처럼 N으로 나눈다. ddof=0."),
    "other_epsilon": (
        "정규화의 ε이 다르다",
        "Keras의 ε은 1e-3(RMSNormalization은 1e-6), PyTorch는 1e-5다. 그 층의 값을 쓴다.",
    ),
    # matrices
    "transposed": ("가중치 기울기가 전치되었다", "δᵀ z_prev가 아니라 dE/dW = z_prevᵀ δ."),
    "backprop_untransposed": ("δ Wᵀ 대신 δ W를 썼다", "dE/dz_prev = δ Wᵀ."),
    "elementwise_for_matmul": ("@ 자리에 ⊙를 썼다", "안쪽 첨자에 대해 더한다. @를 쓴다."),
    "wrong_input": ("z_prev 자리에 다른 배열이 들어갔다", "dE/dW는 그 층 자신의 입력을 쓴다."),
    "wrong_kernel": ("다른 층의 W를 썼다", "δ는 올라올 때 지난 W를 지나 내려간다."),
    "stale_or_updated_kernel": ("δ를 보내기 전에 W를 갱신했다", "기울기를 모두 구한 다음에 모두 갱신한다."),
    "layers_reversed": ("기울기가 출력층부터 나열되었다", "목록을 뒤집는다."),
    "batch_misaligned": ("z_prev와 δ의 행이 어긋났다", "어디서나 같은 샘플 순서를 쓴다."),
    # sums
    "bias_not_summed": ("편향의 기울기에 배치 축이 남았다", "db = δ.sum(axis=0)."),
    "bias_summed_over_all": ("편향의 기울기를 다른 축으로 더했다", "db = δ.sum(axis=0)."),
    "bias_from_kernel": ("편향의 기울기를 dE/dW에서 더해 얻었다", "db = Σ_N δ. 입력은 z_prev가 아니라 1이다."),
    "bias_column": (
        "열벡터 (n, 1)인 편향이 브로드캐스팅으로 커졌다",
        "b와 dE/db를 (n,) 한 모양으로 둔다. (n, 1) + (n,)은 (n, n)이다.",
    ),
    "bias_missing": ("편향의 기울기가 모두 0이다", "db = Σ_N δ."),
    "row_missing": ("가중치 기울기의 행이나 열이 모두 0이다", "반복문의 범위를 확인한다."),
    "only_last_sample": ("샘플 하나만 반영되었다", "배치에 대해 +=를 쓴다."),
    "mini_batch_dropped": ("마지막 샘플들이 빠졌거나 배율이 다르다", "실제로 더한 샘플 수로 나눈다."),
    # what was differentiated
    "output_not_loss": ("E가 아니라 출력을 미분했다", "y_pred가 아니라 tape.gradient(loss, …)."),
    "other_loss": ("다른 손실의 기울기다", "학습하는 그 E를 미분한다."),
    "wrong_target": ("정답이 다른 값이다", "y를 덮어쓰지 말고 순서를 지킨다."),
    "targets_broadcast": ("출력은 (N, 1)인데 정답은 (N,)이다", "y의 모양을 (N, 1)로 한다."),
    "probability_clip": ("잘라 낸 확률의 로그를 취했다", "교차 엔트로피를 로짓에서 계산한다."),
    # what only a check against a Keras model can try
    "penalty_missing": ("벌점이 빠졌다", "model.losses의 각 항을 E에 한 번씩 더한다."),
    "penalty_factor": ("벌점을 한 번보다 많거나 적게 셌다", "Keras의 L2는 λ Σ W²이고 기울기는 N과 상관없이 2λW다."),
    "loss_factor": (
        "벌점 옆의 손실을 한 번보다 많거나 적게 셌다",
        "reduction과 가중치까지 주어진 손실을 쓴다.",
    ),
    "loss_weights": ("손실의 가중치가 다르다", "각 출력의 δ에 loss_weights의 값을 곱한다."),
    "loss_scale": (
        "손실 스케일이 남아 있다",
        "쓰기 전에 기울기를 스케일로 나눈다(LossScaleOptimizer.apply처럼).",
    ),
    "occurrence_lost": (
        "여러 번 나온 id가 한 번만 반영되었다",
        "np.add.at(dE, ids, δ)는 모두 더하고, dE[ids] += δ는 id마다 하나만 남긴다.",
    ),
    "kernel_flipped": ("합성곱 커널의 기울기가 뒤집혔다", "Keras의 합성곱은 교차 상관이다. 뒤집지 않고 x를 민다."),
    "axes_exchanged": ("기울기의 축 순서가 다르다", "np.transpose로 Keras의 순서에 맞춘다."),
    "sample_weight_missing": ("샘플 가중치가 빠졌다", "각 샘플의 δ에 그 가중치를 곱한다."),
    "sample_weight_mean": ("가중치의 합으로 평균 냈다", "N으로 나눈다. Keras는 Σw로 나누지 않는다."),
    "from_logits": (
        "출력을 로짓으로, 또는 확률로 잘못 여겼다",
        "마지막 층에 softmax도 sigmoid도 없을 때, 그때만 from_logits=True를 준다.",
    ),
    "label_smoothing": ("레이블을 다른 α로 평활화했다", "주어진 손실의 레이블을 쓴다."),
    "labels_sum": (
        "레이블이나 확률의 합이 1이 아니다",
        "p − y가 기울기인 것은 Σ_k y_k = 1일 때뿐이다. Keras는 먼저 p를 그 합으로 나눈다.",
    ),
    "stop_gradient": ("모델이 막아 둔 부분까지 미분했다", "일부러 막은 것이다. 그 부분은 상수로 여긴다."),
    "other_activation": (
        "층의 활성화 함수가 다르다",
        "그 층의 f를 쓴다. erf와 tanh의 gelu는 서로 다르다.",
    ),
    "bias_left_out": ("순전파에서 편향이 빠졌다", "u에 b를 더한다."),
    "other_input": ("x의 스케일이 다르다", "양쪽에 같은 x를 준다."),
    "other_order": ("x와 y의 행 순서가 다르다", "둘을 똑같이 섞는다."),
    "other_weights": (
        "가중치가 다르다. 한 스텝 뒤의 값이거나 반올림된 값이다",
        "가중치를 바꾸기 전에, 모델의 바로 그 가중치로 모든 기울기를 구한다.",
    ),
    # conventions
    "convention_transposed": ("행렬의 모양이 (n_out, n_in)이다", "고칠 것이 없다. 비교할 때만 전치한다."),
    "mean_in_kernel": ("1/N이 δ가 아니라 dE/dW에 있다", "고칠 것이 없다. dE/dW는 일치한다."),
}
"""id → (title, cure) of every mistake, convention and setting."""
