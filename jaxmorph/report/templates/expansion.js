// An expansion in polynomials of the parameters, as a function (jaxmorph/sensitivity/prediction.py).
const expansion = (data) => {
  const NORMAL = 1.959963984540054;

  // The polynomials of one parameter by their recurrence, up to the highest degree there is.
  const polynomials = (parameter, value) => {
    const t = ((parameter.log ? Math.log(value) : value) - parameter.origin) / parameter.length;
    const found = [1];
    parameter.norm.forEach((norm, k) => {
      const before = k ? parameter.norm[k - 1] * found[k - 1] : 0;
      found.push(((t - parameter.shift[k]) * found[k] - before) / norm);
    });
    return found;
  };

  const termsAt = (observable, point) => {
    const each = data.parameters.map((parameter, p) => polynomials(parameter, point[p]));
    return observable.terms.map((term) => term.reduce((product, [p, k]) => product * each[p][k], 1));
  };
  const size = (terms) => Math.max(1, terms.reduce((sum, x) => sum + x * x, 0) / terms.length);

  // Of one observable at one point: value and half-width of the band at each of its times. Of the change
  // from a reference: without what the noise does to both alike.
  const at = (observable, point, reference) => {
    let terms = termsAt(observable, point), sizes = size(terms);
    if (reference) {
      const others = termsAt(observable, reference);
      sizes += size(others);
      terms = terms.map((x, k) => x - others[k]);
    }
    const n = terms.length;
    return observable.missed.map((missed, t) => {
      let value = 0, square = (NORMAL * missed) ** 2 * sizes;
      for (let k = 0; k < n; k++) {
        value += observable.coefficients[t * n + k] * terms[k];
        square += (observable.halves[t * n + k] * observable.digit_of_half * terms[k]) ** 2;
      }
      return { value: value * observable.digit, half: Math.sqrt(square) };
    });
  };

  // Mean and standard deviation over the design: polynomials have the mean square 1, and the mean 0.
  const spread = (observable) => {
    const n = observable.terms.length, constant = observable.terms.findIndex((term) => !term.length);
    return observable.missed.map((_, t) => {
      let mean = 0, square = 0;
      for (let k = 0; k < n; k++) {
        const c = observable.coefficients[t * n + k] * observable.digit;
        if (k === constant) mean = c;
        else square += c * c;
      }
      return { mean, sd: Math.sqrt(square) };
    });
  };
  return { at, spread };
};
